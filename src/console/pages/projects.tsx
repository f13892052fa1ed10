import { call } from '../api/client.ts';
import { type ListedProject, listProjects } from '../api/lists.ts';
import { usePolled } from '../api/polled.ts';
import { holdsIn } from '../api/session.ts';
import type { Cluster } from '../api/types.ts';
import { Ask } from '../dialogs/ask.tsx';
import { CreateProject } from '../dialogs/create-project.tsx';
import { Field, textOf } from '../dialogs/field.tsx';
import { ConnectionField, connectionOf, RegisterDestination } from '../dialogs/register-destination.tsx';
import { PolledPage } from '../page.tsx';
import { Panel } from '../panels/panel.tsx';
import { type Column, Table } from '../table.tsx';
import { text } from '../text.ts';
import { projectsText as words } from '../texts/projects.ts';
import { Time } from '../time.tsx';

/** The projects of the organization with their destinations. */
export function ProjectsPage() {
  const polled = usePolled(listProjects);
  const { reload } = polled;
  return (
    <PolledPage title={text.pages.projects} polled={polled} actions={<CreateProject onDone={reload} />}>
      {(listed) => (
        <div class="stack">
          {listed.length === 0 && <p class="mute">{words.none}</p>}
          {listed.map((each) => (
            <ProjectPanel key={each.project.id} {...each} reload={reload} />
          ))}
        </div>
      )}
    </PolledPage>
  );
}

function ProjectPanel({ project, clusters, reload }: ListedProject & { readonly reload: () => Promise<void> }) {
  const { id, name } = project;
  const isOwner = holdsIn(id, 'GROUP_OWNER');
  const columns: Column<Cluster>[] = [
    [words.cluster, (cluster) => <b>{cluster.name}</b>],
    [words.address, (cluster) => <code>{cluster.connectionStrings.standard}</code>],
    [words.users, (cluster) => words.usersOf[cluster.linkspan.destinationUsers]],
    [words.since, (cluster) => <Time iso={cluster.createDate} />],
    [null, (cluster) => <ClusterActions cluster={cluster} reload={reload} />],
  ];
  return (
    <Panel title={name} note={<code>{id}</code>}>
      <Table
        label={words.clusters(name)}
        columns={columns}
        rows={clusters}
        keyOf={(cluster) => cluster.id}
        none={words.noClusters}
      />
      <div class="buttons">
        {isOwner && (
          <>
            <Ask
              label={words.deleteProject}
              {...words.deletion(name)}
              isDangerous
              typed={name}
              onSubmit={() => call('DELETE', `/groups/${id}`).then(reload)}
            />
            <Ask
              label={words.rename}
              {...words.renaming(name)}
              onSubmit={(fields) => call('PATCH', `/groups/${id}`, { name: textOf(fields, 'name') }).then(reload)}
            >
              <Field label={words.name} name="name" defaultValue={name} maxLength={64} required />
            </Ask>
          </>
        )}
        <RegisterDestination groupId={id} onDone={reload} />
      </div>
    </Panel>
  );
}

function ClusterActions({ cluster, reload }: { readonly cluster: Cluster; readonly reload: () => Promise<void> }) {
  const { name, groupId } = cluster;
  const path = `/groups/${groupId}/clusters/${name}`;
  return (
    <>
      {holdsIn(groupId, 'GROUP_CLUSTER_MANAGER') && (
        <Ask
          label={words.change}
          {...words.changing(name)}
          onSubmit={(fields) => call('PATCH', path, connectionOf(fields)).then(reload)}
        >
          <ConnectionField />
        </Ask>
      )}
      {holdsIn(groupId, 'GROUP_OWNER') && (
        <Ask
          label={words.delete}
          {...words.removal(name)}
          isDangerous
          typed={name}
          onSubmit={() => call('DELETE', path).then(reload)}
        />
      )}
    </>
  );
}
