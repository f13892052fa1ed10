import { readList } from './lists.ts';
import type { LiveMigration, Project } from './types.ts';

/** A migration and the project of its destination. */
export interface ListedMigration {
  readonly project: Project;
  readonly migration: LiveMigration;
}

/** Lists the migrations of all projects that the session sees, the newest first. @throws ApiProblem */
export async function listMigrations(signal: AbortSignal): Promise<ListedMigration[]> {
  const projects = await readList<Project>('/groups', signal);
  const lists = await Promise.all(
    projects.map(async (project) => {
      const migrations = await readList<LiveMigration>(`/groups/${project.id}/liveMigrations`, signal);
      return migrations.map((migration) => ({ project, migration }));
    }),
  );
  return lists.flat().sort((a, b) => b.migration._id.localeCompare(a.migration._id));
}
