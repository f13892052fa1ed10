import type { BootstrapResult, SignInLinks } from '../../control/index.ts';
import { ownFile } from '../../platform/index.ts';
import { wrap, wrapBeside } from '../terminal/index.ts';

const BIN = ownFile('bin');

/**
 * Returns the text that the first start prints once: the credentials, the next step of docs/get-started/first-migration.md, and the request that creates
 * a link-token. Users can paste both into a new terminal.
 * @param keyWasGiven  the operator chose the private key, so the text doesn't show it
 */
export function welcome({ orgId, publicKey, privateKey }: BootstrapResult, url: string, keyWasGiven: boolean): string {
  const shownKey = keyWasGiven ? 'as given' : `${privateKey} (shown only now)`;
  const secret = keyWasGiven ? '"$LINKSPAN_BOOTSTRAP_PRIVATE_KEY"' : `'${privateKey}'`;
  const user = keyWasGiven ? `"${publicKey}:$LINKSPAN_BOOTSTRAP_PRIVATE_KEY"` : `'${publicKey}:${privateKey}'`;
  const paragraph = (text: string) => wrap(text, process.stdout);
  return `${paragraph('Linkspan has created an organization and an API key that owns it.')}

  Organization ID: ${orgId}
  Public key:      ${publicKey}
${wrapBeside('  Private key:', 19, shownKey, process.stdout)}

Next, in another terminal:

export PATH="${BIN}:$PATH"
export LINKSPAN_URL='${url}' LINKSPAN_ORG_ID='${orgId}' LINKSPAN_PUBLIC_KEY='${publicKey}' LINKSPAN_PRIVATE_KEY=${secret}
linkspan status describe

${paragraph(
  'docs/get-started/first-migration.md continues from there. The agent beside the source will need a link-token. ' +
    'Create one with "linkspan link-token create" or with curl:',
)}

curl --user ${user} --digest \\
  --header 'Accept: application/json' \\
  --header 'Content-Type: application/json' \\
  --include \\
  --request POST '${url}/api/atlas/v1.0/orgs/${orgId}/liveMigrations/linkTokens?pretty=true' \\
  --data '{ "accessListIps": [] }'
`;
}

/** Returns the text with a link that signs in to the console once. */
export async function signInText(links: SignInLinks, url: string): Promise<string> {
  const token = await links.issue();
  if (token === undefined) return 'No API key owns an organization, so there is no sign-in link.\n';
  return `Open the console, once, within 10 minutes:\n\n${url}/#/link/${token}\n\n`;
}
