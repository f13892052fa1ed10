import { DigestClient } from '../src/digest/index.ts';
import type { Organization } from './control-plane.ts';

const DEADLINE_MS = 10_000;

/**
 * Creates a link-token with the example request of Atlas's documentation of "Create One Link-Token": same path, query, headers, body and HTTP
 * digest.
 * @param address  address of the agent
 */
export async function requestLinkToken(
  { url, id, publicKey, privateKey }: Organization,
  address: string,
): Promise<string> {
  const client = new DigestClient(url, publicKey, privateKey, DEADLINE_MS);
  const answer = await client.fetch(`/api/atlas/v1.0/orgs/${id}/liveMigrations/linkTokens?pretty=true`, {
    method: 'POST',
    headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
    body: JSON.stringify({ accessListIps: [address] }),
  });
  const { linkToken: token } = (await answer.json()) as { linkToken?: unknown };
  if (answer.status !== 201 || typeof token !== 'string') throw new Error(`no link-token: status ${answer.status}`);
  return token;
}
