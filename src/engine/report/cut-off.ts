import type { Wait } from '../../contract/index.ts';

/** As long as a silent leader keeps its migration (docs/adr/0039-standby.md); an election takes less. */
const CUT_OFF_AFTER_MS = 20_000;
/** How the engine names them in its waits. */
const CLUSTERS = ['the source', 'the destination'];

/** Whether a migration has waited for one of its clusters so long that a host which reads both should continue it. */
export function isCutOff(waits: readonly Wait[], nowMs: number): boolean {
  // rule: cut-off-after-election
  return waits.some((wait) => CLUSTERS.includes(wait.for) && nowMs - Date.parse(wait.since) >= CUT_OFF_AFTER_MS);
}
