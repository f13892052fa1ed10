import { call } from '../api/client.ts';
import { readList } from '../api/lists.ts';
import { usePolled } from '../api/polled.ts';
import { holdsIn } from '../api/session.ts';
import type { ApiKey, Project } from '../api/types.ts';
import { Ask } from '../dialogs/ask.tsx';
import { RoleFields, rolesOf } from '../dialogs/role-fields.tsx';
import { Message } from '../message.tsx';
import { Panel } from '../panels/panel.tsx';
import { type Column, Table } from '../table.tsx';
import { accessText as words } from '../texts/access.ts';

interface ProjectRolesProps {
  readonly apiKey: ApiKey;
  /** Reads the key again. */
  readonly reload: () => Promise<void>;
}

/** The roles of an API key in single projects. */
export function ProjectRoles({ apiKey: { id, publicKey, roles }, reload }: ProjectRolesProps) {
  const { value, problem } = usePolled((signal) => readList<Project>('/groups', signal));
  const rolesIn = (groupId: string) => roles.flatMap((role) => (role.groupId === groupId ? [role.roleName] : []));
  const columns: Column<Project>[] = [
    [words.project, ({ name }) => <b>{name}</b>],
    [words.roles, (project) => rolesIn(project.id).join(', ') || '–'],
    [
      null,
      (project) =>
        holdsIn(project.id, 'GROUP_OWNER') && (
          <Change
            path={`/groups/${project.id}/apiKeys/${id}`}
            name={publicKey}
            project={project.name}
            present={rolesIn(project.id)}
            reload={reload}
          />
        ),
    ],
  ];
  return (
    <Panel title={words.projectRolesOf(publicKey)}>
      {problem.value !== undefined && <Message tone="bad">{problem.value}</Message>}
      {value.value && (
        <Table
          label={words.projectRolesOf(publicKey)}
          columns={columns}
          rows={value.value}
          keyOf={(project) => project.id}
          none={words.noProject}
        />
      )}
    </Panel>
  );
}

interface ChangeProps {
  readonly path: string;
  readonly name: string;
  readonly project: string;
  readonly present: readonly string[];
  readonly reload: () => Promise<void>;
}

function Change({ path, name, project, present, reload }: ChangeProps) {
  const hasRoles = present.length > 0;
  const assign = (fields: FormData) => {
    const chosen = rolesOf(fields);
    return (hasRoles ? call('PATCH', path, { roles: chosen }) : call('POST', path, [{ roles: chosen }])).then(reload);
  };
  return (
    <>
      <Ask label={words.change} {...words.projectChange(name, project)} onSubmit={assign}>
        <RoleFields choices={words.projectChoices} {...(hasRoles && { present })} />
      </Ask>
      {hasRoles && (
        <Ask
          label={words.remove}
          {...words.takingOut(name, project)}
          isDangerous
          typed={project}
          onSubmit={() => call('DELETE', path).then(reload)}
        />
      )}
    </>
  );
}
