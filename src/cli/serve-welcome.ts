import type { BootstrapResult } from '../control/index.ts';

/**
 * What the first start prints, once: the credentials, and the request that makes a link-token, ready to be pasted.
 * @param keyWasGiven  the operator brought the private key, and needs not see it again
 */
export function welcome({ orgId, publicKey, privateKey }: BootstrapResult, url: string, keyWasGiven: boolean): string {
  const shownKey = keyWasGiven ? 'as given' : `${privateKey} (shown only now)`;
  const user = keyWasGiven ? `"${publicKey}:$LINKSPAN_BOOTSTRAP_PRIVATE_KEY"` : `'${publicKey}:${privateKey}'`;
  return `Linkspan has made an organization and an API key that owns it.

  Organization ID: ${orgId}
  Public key:      ${publicKey}
  Private key:     ${shownKey}

Make a link-token for the agent beside the source with:

curl --user ${user} --digest \\
  --header 'Accept: application/json' \\
  --header 'Content-Type: application/json' \\
  --include \\
  --request POST '${url}/api/atlas/v1.0/orgs/${orgId}/liveMigrations/linkTokens?pretty=true' \\
  --data '{ "accessListIps": [] }'
`;
}
