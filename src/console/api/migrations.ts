import { effect, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { messageOf } from '../text.ts';
import { API } from './client.ts';
import { readList } from './lists.ts';
import { follow } from './live.ts';
import { type Polled, usePolled } from './polled.ts';
import type { LiveMigration, Project } from './types.ts';

/** A migration and the project of its destination. */
export interface ListedMigration {
  readonly project: Project;
  readonly migration: LiveMigration;
}

/** A browser opens six connections to a server, for all its pages, and a stream holds one. */
const MOST_STREAMS = 2;
/** The longest page that the API has. */
const PAGE_SIZE = 500;

interface Listed {
  readonly projects: readonly Project[];
  /** Undefined where streams bring the migrations. */
  readonly migrations: readonly ListedMigration[] | undefined;
}

/**
 * The migrations of all projects that the session sees, the newest first. Those of one or two projects come by streams; with more projects, or
 * a list that is longer than a page, they are read every five seconds. The projects are always read so.
 */
export function useMigrations(): Polled<readonly ListedMigration[]> {
  const isLong = useSignal(false);
  const polled = usePolled((signal) => readListed(isLong.value, signal), { key: String(isLong.value) });
  const { value: listed, problem: asked } = polled;
  const value = useSignal<readonly ListedMigration[] | undefined>(undefined);
  const heardAtMs = useSignal(0);
  const problem = useSignal<string | undefined>(undefined);
  const streamed = listed.value?.migrations === undefined ? (listed.value?.projects ?? []) : [];
  const key = streamed.map(({ id }) => id).join(' ');
  const streams = useMemo(
    () =>
      streamed.map(({ id }) => {
        const path = `${API}/groups/${id}/liveMigrations?itemsPerPage=${PAGE_SIZE}`;
        return { id, live: follow<{ readonly results: readonly LiveMigration[] }>(path) };
      }),
    [key],
  );
  useEffect(() => {
    const stopShowing = effect(() => {
      const { projects, migrations } = listed.value ?? {};
      const lists = streams.map(({ id, live }) => ({ id, results: live.value.value?.results }));
      if (lists.some(({ results }) => results?.length === PAGE_SIZE)) isLong.value = true;
      const failed = streams.map(({ live }) => live.problem.value).find((one) => one !== undefined);
      problem.value = asked.value ?? (failed === undefined ? undefined : messageOf(failed));
      if (migrations !== undefined) value.value = migrations;
      else if (projects !== undefined && lists.every(({ results }) => results !== undefined)) {
        value.value = newestFirst(
          lists.flatMap(({ id, results = [] }) => {
            const project = projects.find((one) => one.id === id);
            return project === undefined ? [] : results.map((migration) => ({ project, migration }));
          }),
        );
      }
      const heard = streams.map(({ live }) => live.heardAtMs.value);
      heardAtMs.value = heard.length > 0 ? Math.min(...heard) : polled.heardAtMs.value;
    });
    return () => {
      stopShowing();
      for (const { live } of streams) live.stop();
    };
  }, [streams]);
  return { value, heardAtMs, problem, reload: polled.reload };
}

/** Reads the projects, and their migrations unless streams bring them. */
async function readListed(isLong: boolean, signal: AbortSignal): Promise<Listed> {
  const projects = await readList<Project>('/groups', signal);
  if (projects.length <= MOST_STREAMS && !isLong) return { projects, migrations: undefined };
  const lists = await Promise.all(
    projects.map(async (project) => {
      const migrations = await readList<LiveMigration>(`/groups/${project.id}/liveMigrations`, signal);
      return migrations.map((migration) => ({ project, migration }));
    }),
  );
  return { projects, migrations: newestFirst(lists.flat()) };
}

function newestFirst(listed: readonly ListedMigration[]): ListedMigration[] {
  return listed.toSorted((a, b) => b.migration._id.localeCompare(a.migration._id));
}
