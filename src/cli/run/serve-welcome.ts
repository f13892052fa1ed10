import type { BootstrapResult, SignInLinks } from '../../control/index.ts';
import { ownFile } from '../../platform/index.ts';
import { wrap, wrapBeside } from '../terminal/index.ts';
import type { BootstrapFlags } from './serve-bootstrap.ts';

const BIN = ownFile('bin');

/**
 * Returns the text that the first start prints once: the credentials, the next step of docs/get-started/first-migration.md, and the request that creates
 * a link-token. Users can paste both into a new terminal.
 * @param given  the private key that the operator chose, as a shell finds it, so that the text doesn't show it; undefined when the start made one up
 */
export function welcome(
  { orgId, publicKey, privateKey }: BootstrapResult,
  url: string,
  given: string | undefined,
): string {
  const shownKey = given === undefined ? `${privateKey} (shown only now)` : 'as given';
  const secret = given === undefined ? `'${privateKey}'` : `"${given}"`;
  const user = given === undefined ? `'${publicKey}:${privateKey}'` : `"${publicKey}:${given}"`;
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

/** Returns the private key that the operator gave, as a shell finds it; undefined when none was given. */
export function givenKeyOf({ bootstrapPrivateKey, bootstrapPrivateKeyFile: file }: BootstrapFlags): string | undefined {
  if (file !== undefined) return `$(cat '${file.replaceAll("'", `'\\''`)}')`;
  return bootstrapPrivateKey === undefined ? undefined : '$LINKSPAN_BOOTSTRAP_PRIVATE_KEY';
}

/** Returns the text with a link that signs in to the console once. */
export async function signInText(links: SignInLinks, url: string): Promise<string> {
  const token = await links.issue();
  if (token === undefined) return 'No API key owns an organization, so there is no sign-in link.\n';
  return `Open the console, once, within 10 minutes:\n\n${url}/#/link/${token}\n\n`;
}
