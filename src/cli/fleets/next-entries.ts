import type { EntryState } from './fleet-state.ts';

/** The next step of an apply. */
interface Next {
  /** Names of the entries to create, in their order. */
  readonly begin: readonly string[];
  /** Whether nothing changes any more without an operator: every entry is ready, complete, failed, or held by a failed one. */
  readonly isOver: boolean;
}

/**
 * Decides which entries begin: those of the first wave that has not ended, while their agents have places.
 * Invariant: an entry begins only when all entries of earlier waves are ready or complete.
 * @param states    of the entries, by wave and then in the order of the file
 * @param others    further migrations of the fleet, which take places, too
 * @param placesOn  how many entries an agent may copy at once. One that is ready has been copied, and takes no place
 */
export function nextEntries(
  states: readonly EntryState[],
  others: readonly EntryState[],
  placesOn: (agent: string) => number,
): Next {
  const open = states.find(({ state }) => state !== 'READY' && state !== 'COMPLETE')?.wave;
  const waiting = states.filter(({ state, wave }) => state === 'WAITING' && wave === open);
  const running = new Map<string, number>();
  const take = (agent: string) => running.set(agent, (running.get(agent) ?? 0) + 1);
  for (const { state, agent } of [...states, ...others]) if (state === 'RUNNING') take(agent);
  const begin = waiting.filter(({ agent }) => {
    const hasPlace = (running.get(agent) ?? 0) < placesOn(agent);
    if (hasPlace) take(agent);
    return hasPlace;
  });
  const isOver = waiting.length === 0 && !states.some(({ state }) => state === 'RUNNING');
  return { begin: begin.map(({ entry }) => entry), isOver };
}
