import { wantedState } from '../../src/link/index.ts';
import type { ApiResponse, ControlPlane } from './control-plane.ts';
import { cliBody, prepare, progress, type World } from './migration-world.ts';

/** A migration that was started over the API, and its agent. */
export interface Started extends World {
  readonly id: string;
  readonly report: (changes: Parameters<typeof progress>[1]) => Promise<unknown>;
  readonly show: () => Promise<Record<string, unknown> & { linkspan: Record<string, unknown> }>;
  readonly ask: (wish: string, body?: object) => Promise<ApiResponse>;
  /** The orders that the agent gets. */
  readonly wanted: () => Promise<object[]>;
}

/** Starts a migration. */
export async function start(plane: ControlPlane): Promise<Started> {
  const world = await prepare(plane);
  const id = String((await plane.api('POST', world.path, { body: cliBody(world.groupId) })).json._id);
  return {
    ...world,
    id,
    report: (changes) => world.agent.report({ migrations: [{ id, progress: progress(id, changes) }] }),
    show: async () => (await plane.api('GET', `${world.path}/${id}`)).json as never,
    ask: (wish, body) => plane.api('PUT', `${world.path}/${id}/${wish}`, { body }),
    wanted: async () =>
      wantedState
        .parse((await world.agent.poll(null)).json)
        .migrations.map(({ id: _id, assignment: _assignment, ...target }) => target),
  };
}
