import { API, send } from './client.ts';
import type { Cluster, Project } from './types.ts';

/** The longest page that the API has. */
const PAGE_SIZE = 500;

/** Reads a whole list, page after page. @param path  after the API's prefix @throws ApiProblem */
export async function readList<Item>(path: string, signal: AbortSignal): Promise<readonly Item[]> {
  const all: Item[] = [];
  for (let page = 1; ; page += 1) {
    const results = await readPage<Item>(path, `itemsPerPage=${PAGE_SIZE}&pageNum=${page}&includeCount=false`, signal);
    all.push(...results);
    if (results.length < PAGE_SIZE) return all;
  }
}

/** Reads one page of a list. @param query  which one @throws ApiProblem */
export async function readPage<Item>(path: string, query: string, signal: AbortSignal): Promise<readonly Item[]> {
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
