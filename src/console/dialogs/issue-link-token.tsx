import { call } from '../api/client.ts';
import { holds, organizationId } from '../api/session.ts';
import type { LinkToken } from '../api/types.ts';
import { agentsText as words } from '../texts/agents.ts';
import { Ask } from './ask.tsx';
import { Field, textOf } from './field.tsx';
import { Secret } from './secret.tsx';

/** The button to issue a link-token, which is shown once with the command of the agent; absent without the role. */
export function IssueLinkToken() {
  if (!holds()) return null;
  const issue = async (fields: FormData) => {
    const { linkToken } = await call<LinkToken>('POST', `/orgs/${organizationId()}/liveMigrations/linkTokens`, {
      accessListIps: textOf(fields, 'addresses')
        .split(/[\s,]+/)
        .filter(Boolean),
      migrationHost: textOf(fields, 'host') || null,
    });
    return (
      <Secret
        parts={[
          [words.token, linkToken],
          [words.command, words.commandOf(linkToken)],
        ]}
      />
    );
  };
  return (
    <Ask label={words.issue} {...words.issuing} isMain onSubmit={issue}>
      <Field label={words.host} hint={words.hostHint} name="host" maxLength={255} />
      <Field label={words.addresses} hint={words.addressesHint} name="addresses" />
    </Ask>
  );
}
