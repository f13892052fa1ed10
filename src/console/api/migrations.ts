import { API, send } from './client.ts';
import type { LiveMigration, Project } from './types.ts';

/** A migration and the project of its destination. */
export interface ListedMigration {
  readonly project: Project;
  readonly migration: LiveMigration;
}

interface Page<Item> {
  readonly results: readonly Item[];
}

/** The most that the API lists on a page. */
const PAGE = 'itemsPerPage=500';

/** Lists the migrations of all projects that the session sees, the newest first. @throws ApiProblem */
export async function listMigrations(signal: AbortSignal): Promise<ListedMigration[]> {
  const { results: projects } = await send<Page<Project>>('GET', `${API}/groups?${PAGE}`, { signal });
  const lists = await Promise.all(
    projects.map(async (project) => {
      const path = `${API}/groups/${project.id}/liveMigrations?${PAGE}`;
      const { results } = await send<Page<LiveMigration>>('GET', path, { signal });
      return results.map((migration) => ({ project, migration }));
    }),
  );
  return lists.flat().sort((a, b) => b.migration._id.localeCompare(a.migration._id));
}
