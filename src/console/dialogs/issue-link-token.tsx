import { useSignal } from '@preact/signals';
import { call } from '../api/client.ts';
import { listProjects } from '../api/lists.ts';
import { holds, organizationId } from '../api/session.ts';
import type { LinkToken } from '../api/types.ts';
import { agentsText as words } from '../texts/agents.ts';
import { agentYaml } from './agent-yaml.ts';
import { Ask } from './ask.tsx';
import { AddressesField, Field, textOf } from './field.tsx';
import { Secret } from './secret.tsx';

/** As the API allows. */
const MOST_HOSTS = 5;
const LIST_WITHIN_MS = 10_000;

/** The button to issue a link-token, which is shown once with the configuration and the command of the agent; absent without the role. */
export function IssueLinkToken() {
  // A token for one host isn't for several.
  const isForHost = useSignal(false);
  if (!holds()) return null;
  const issue = async (fields: FormData) => {
    const host = textOf(fields, 'host');
    const hosts = Number(textOf(fields, 'hosts') || 1);
    const projects = await listProjects(AbortSignal.timeout(LIST_WITHIN_MS));
    const destinations = projects.flatMap(({ clusters }) => clusters.map((one) => one.connectionStrings.standard));
    const { linkToken } = await call<LinkToken>('POST', `/orgs/${organizationId()}/liveMigrations/linkTokens`, {
      accessListIps: textOf(fields, 'addresses')
        .split(/[\s,]+/)
        .filter(Boolean),
      migrationHost: host || null,
      ...(hosts > 1 && { linkspan: { hosts } }),
    });
    return (
      <Secret
        parts={[
          [words.token, linkToken],
          [words.configuration, agentYaml({ host, destinations })],
          [words.command, words.commandOf(linkToken)],
        ]}
      />
    );
  };
  return (
    <Ask label={words.issue} {...words.issuing} isMain onSubmit={issue}>
      <Field
        label={words.host}
        hint={words.hostHint}
        name="host"
        maxLength={255}
        onInput={({ currentTarget }) => {
          isForHost.value = currentTarget.value.trim() !== '';
        }}
      />
      <Field
        label={words.standbys}
        hint={words.standbysHint}
        name="hosts"
        type="number"
        min={1}
        max={MOST_HOSTS}
        disabled={isForHost.value}
      />
      <AddressesField label={words.addresses} hint={words.addressesHint} />
    </Ask>
  );
}
