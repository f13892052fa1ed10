import { shownBytes } from '../../contract/index.ts';
import { type ListedAgents, listAgents } from '../api/agents.ts';
import { call } from '../api/client.ts';
import { usePolled } from '../api/polled.ts';
import { mayAct, organizationId } from '../api/session.ts';
import type { AgentLink, SourceProject } from '../api/types.ts';
import { Ask } from '../dialogs/ask.tsx';
import { IssueLinkToken } from '../dialogs/issue-link-token.tsx';
import { clusterName } from '../format.ts';
import { Icon } from '../icon.tsx';
import { PolledPage } from '../page.tsx';
import { Panel } from '../panels/panel.tsx';
import { type Column, Table } from '../table.tsx';
import { text } from '../text.ts';
import { agentsText as words } from '../texts/agents.ts';
import { migrationText } from '../texts/migration.ts';
import { Time } from '../time.tsx';

/** Links to agents, and the clusters that they can migrate. */
export function AgentsPage() {
  const polled = usePolled(listAgents);
  return (
    <PolledPage title={text.pages.agents} polled={polled} actions={<IssueLinkToken />}>
      {(listed) => (
        <div class="stack">
          <Links {...listed} reload={polled.reload} />
          {mayAct() && <Sources sources={listed.sources} />}
        </div>
      )}
    </PolledPage>
  );
}

function Links({ links, organization, reload }: ListedAgents & { readonly reload: () => Promise<void> }) {
  const path = `/orgs/${organizationId()}/liveMigrations`;
  const columns: Column<AgentLink>[] = [
    [words.agentHost, (link) => <b>{link.migrationHost}</b>],
    [words.state, (link) => <State link={link} />],
    [words.version, (link) => link.agentVersion],
    [words.lastSeen, ({ lastSeen }) => (lastSeen === null ? words.unknown : <Time iso={lastSeen} />)],
    [words.linked, (link) => <Time iso={link.created} />],
    [words.from, (link) => link.accessListIps.join(', ') || words.anywhere],
    [
      null,
      ({ id, migrationHost, status }) =>
        mayAct() && (
          <>
            {status === 'PENDING_APPROVAL' && (
              <Ask
                label={words.approve}
                {...words.approval(migrationHost)}
                isDangerous
                typed={migrationHost}
                onSubmit={() => call('POST', `${path}/links/${id}/approve`).then(reload)}
              />
            )}
            <Ask
              label={words.revoke}
              {...words.revocation(migrationHost)}
              isDangerous
              typed={migrationHost}
              onSubmit={() => call('DELETE', `${path}/links/${id}`).then(reload)}
            />
          </>
        ),
    ],
  ];
  return (
    <Panel title={words.agents}>
      <Table label={words.agents} columns={columns} rows={links} keyOf={({ id }) => id} none={words.none} />
      {mayAct() && (
        <div class="buttons">
          <Ask
            label={words.endAll}
            {...words.ending}
            isDangerous
            typed={organization}
            onSubmit={() => call('DELETE', `${path}/linkTokens`).then(reload)}
          />
        </div>
      )}
    </Panel>
  );
}

function State({ link: { status, agentStatus } }: { readonly link: AgentLink }) {
  const isHeard = agentStatus === 'CONNECTED';
  if (status === 'PENDING_APPROVAL') {
    return (
      <span class="word warn">
        <Icon name="waiting" tone="warn" />
        {words.pending}
      </span>
    );
  }
  return (
    <span class={`word ${isHeard ? 'ok' : 'bad'}`}>
      <Icon name={isHeard ? 'done' : 'warning'} />
      {isHeard ? migrationText.agent.connected : migrationText.agent.lost}
    </span>
  );
}

function Sources({ sources }: { readonly sources: readonly SourceProject[] }) {
  const rows = sources.flatMap((project) => project.deployments.map((deployment) => ({ project, deployment })));
  const columns: Column<(typeof rows)[number]>[] = [
    [words.cluster, ({ deployment }) => <b>{clusterName(deployment)}</b>],
    [words.project, ({ project }) => project.name],
    [words.hosts, ({ project }) => project.migrationHosts.join(', ')],
    ['MongoDB', ({ deployment }) => deployment.mongoDBVersion],
    [
      words.size,
      ({ deployment: { dbSizeBytes } }) => (dbSizeBytes === undefined ? words.unknown : shownBytes(dbSizeBytes)),
    ],
  ];
  return (
    <Panel title={words.sources}>
      <Table
        label={words.sources}
        columns={columns}
        rows={rows}
        keyOf={({ project, deployment }) => `${project.projectId} ${deployment.name}`}
        none={words.noSources}
      />
    </Panel>
  );
}
