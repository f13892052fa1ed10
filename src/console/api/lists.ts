import { API, send } from './client.ts';
import type { Cluster, Project } from './types.ts';

/** Reads a list, up to the longest page that the API has. @param path  after the API's prefix @throws ApiProblem */
export async function readList<Item>(
  path: string,
  signal: AbortSignal,
  query = 'itemsPerPage=500',
): Promise<readonly Item[]> {
  const { results } = await send<{ results: readonly Item[] }>('GET', `${API}${path}?${query}`, { signal });
  return results;
}

/** A project and the destinations that are registered in it. */
export interface ListedProject {
  readonly project: Project;
  readonly clusters: readonly Cluster[];
}

/** Lists the projects that the session sees, by their names. @throws ApiProblem */
export async function listProjects(signal: AbortSignal): Promise<ListedProject[]> {
  const projects = await readList<Project>('/groups', signal);
  const listed = await Promise.all(
    projects.map(async (project) => ({
      project,
      clusters: await readList<Cluster>(`/groups/${project.id}/clusters`, signal),
    })),
  );
  return listed.sort((a, b) => a.project.name.localeCompare(b.project.name));
}
