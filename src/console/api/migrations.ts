import { effect, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { messageOf } from '../text.ts';
import { API } from './client.ts';
import { readList } from './lists.ts';
import { follow } from './live.ts';
import { type Polled, usePolled } from './polled.ts';
import { organizationId } from './session.ts';
import type { LiveMigration, Project } from './types.ts';

/** A migration and the project of its destination. */
export interface ListedMigration {
  readonly project: Project;
  readonly migration: LiveMigration;
}

/** The longest page that the API has. */
const PAGE_SIZE = 500;

interface Listed {
  readonly projects: readonly Project[];
  /** Undefined where a stream brings the migrations. */
  readonly migrations: readonly LiveMigration[] | undefined;
}

interface MigrationPage {
  readonly results: readonly LiveMigration[];
  readonly totalCount: number;
}

/**
 * The migrations of all projects that the session sees, the newest first. One stream brings all of them, because a browser opens six
 * connections to a server, for all its pages. A list that is longer than a page is read every five seconds, as the projects are.
 */
export function useMigrations(): Polled<readonly ListedMigration[]> {
  const isLong = useSignal(false);
  const polled = usePolled((signal) => readListed(isLong.value, signal), { key: String(isLong.value) });
  const value = useSignal<readonly ListedMigration[] | undefined>(undefined);
  const heardAtMs = useSignal(0);
  const problem = useSignal<string | undefined>(undefined);
  const stream = useMemo(
    () => (isLong.value ? undefined : follow<MigrationPage>(`${API}${allMigrations()}?itemsPerPage=${PAGE_SIZE}`)),
    [isLong.value],
  );
  useEffect(() => {
    /** Projects that a migration named before the list of projects had them; each leads to one more read of that list. */
    const missed = new Set<string>();
    const stopShowing = effect(() => {
      const { projects, migrations } = polled.value.value ?? {};
      const page = stream?.value.value;
      if (page !== undefined && page.totalCount > PAGE_SIZE) isLong.value = true;
      const failed = stream?.problem.value;
      problem.value = polled.problem.value ?? (failed === undefined ? undefined : messageOf(failed));
      const shown = stream === undefined ? migrations : page?.results;
      if (projects !== undefined && shown !== undefined) {
        const unknown = shown.map(groupOf).filter((id) => !projects.some((one) => one.id === id) && !missed.has(id));
        for (const id of unknown) missed.add(id);
        if (unknown.length > 0) void polled.reload();
        value.value = withProjects(shown, projects);
      }
      heardAtMs.value = stream === undefined ? polled.heardAtMs.value : stream.heardAtMs.value;
    });
    return () => {
      stopShowing();
      stream?.stop();
    };
  }, [stream]);
  return { value, heardAtMs, problem, reload: polled.reload };
}

const allMigrations = () => `/orgs/${organizationId()}/liveMigrations`;

/** The project of a migration's destination. */
const groupOf = ({ linkspan }: LiveMigration) => linkspan.destination.groupId;

/** Reads the projects, and all migrations unless a stream brings them. */
async function readListed(isLong: boolean, signal: AbortSignal): Promise<Listed> {
  const [projects, migrations] = await Promise.all([
    readList<Project>('/groups', signal),
    isLong ? readList<LiveMigration>(allMigrations(), signal) : undefined,
  ]);
  return { projects, migrations };
}

function withProjects(migrations: readonly LiveMigration[], projects: readonly Project[]): ListedMigration[] {
  return migrations.flatMap((migration) => {
    const project = projects.find(({ id }) => id === groupOf(migration));
    return project === undefined ? [] : [{ project, migration }];
  });
}
