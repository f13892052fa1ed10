import { wantedState } from '../../src/link/index.ts';
import type { ControlPlane } from './control-plane.ts';
import { cliBody, prepare, progress } from './migration-world.ts';

/** The failback as an agent reports it while it follows. */
export const FOLLOWING = { state: 'FOLLOWING', ready: true, notReadyReasons: [], lagSeconds: 1, warnings: [] };

interface Shown {
  readonly status: string;
  readonly readyForCutover?: boolean;
  readonly lagTimeSeconds?: number | null;
  readonly errorMessage?: string;
  readonly linkspan: {
    readonly endedAt: string | null;
    readonly agent?: { readonly status: string };
    readonly reversals?: number;
    readonly activeSide?: string;
    readonly failback?: {
      readonly state: string;
      readonly ready: boolean;
      readonly lagSeconds: number | null;
      readonly warnings: readonly string[];
      readonly error?: object;
    };
    readonly dropsConfirmed: boolean;
    readonly waiting: readonly { readonly for: string; readonly reason: string }[];
  };
}

/** A reversible migration whose agent reports by hand. */
export async function start(plane: ControlPlane, more: object = {}) {
  const world = await prepare(plane);
  const { agent, groupId, path } = world;
  const body = cliBody(groupId, { linkspan: { reversible: true }, ...more });
  const id = String((await plane.api('POST', path, { body })).json._id);
  const report = (reversals: number, changes: Parameters<typeof progress>[1], failback?: object) =>
    agent.report({
      migrations: [{ id, progress: progress(id, changes), reversals, ...(failback && { failback }) }],
    });
  /** The assigned migration, as its agent gets it. */
  const assigned = async () => {
    const wanted = wantedState.parse((await agent.poll(null)).json);
    return wanted.migrations.find((migration) => migration.id === id);
  };
  return {
    ...world,
    id,
    report,
    assigned,
    ask: (wish: string, request: object = {}) => plane.api('PUT', `${path}/${id}/${wish}`, request),
    show: async () => (await plane.api('GET', `${path}/${id}`)).json as unknown as Shown,
    order: async () => (await assigned())?.order,
    /** Reports everything up to the cutover of the first direction. */
    cutOver: async () => {
      await report(0, { state: 'FOLLOWING', readyForCutover: true });
      await plane.api('PUT', `${path}/${id}/cutover`);
      await report(0, { state: 'COMMITTED', canWrite: true }, FOLLOWING);
    },
  };
}
