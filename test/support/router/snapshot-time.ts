import type { ClusterClock } from './cluster-clock.ts';
import { assemble, decodeExactly, elementsOf, encodeElements, valueIn } from './elements.ts';

/** How often a router chooses another time for a read. As in the server. */
const TIMES = 10;
/** SnapshotTooOld, SnapshotUnavailable: a shard can't read at that time. */
const NO_SNAPSHOT: readonly unknown[] = [239, 246];

/**
 * Sends a command as a router does. A read with the concern `snapshot` and no time of its own gets the latest time that the router knows,
 * or that of `afterClusterTime` if it is later. Otherwise the shard that routes would take its own time, which can be earlier.
 * @returns the reply's bytes, also those of an error
 */
export async function sendAtKnownTime(
  elements: readonly Buffer[],
  clock: ClusterClock,
  send: (elements: readonly Buffer[]) => Promise<Buffer>,
): Promise<Buffer> {
  for (let times = 1; ; times++) {
    const timed = atKnownTime(elements, clock);
    const reply = await send(timed);
    const isUnreadable = NO_SNAPSHOT.includes(valueIn(reply, 'code')?.readInt32LE());
    if (timed === elements || times === TIMES || !isUnreadable) return reply;
  }
}

/** Returns the same elements when the command needs no time. */
function atKnownTime(elements: readonly Buffer[], { latest }: ClusterClock): readonly Buffer[] {
  const concern = elementsOf(assemble(elements)).find(({ name }) => name === 'readConcern');
  if (!concern) return elements;
  const { level, atClusterTime, afterClusterTime, ...others } = decodeExactly(concern.value);
  if (level !== 'snapshot' || atClusterTime !== undefined || latest === undefined) return elements;
  const time = afterClusterTime?.greaterThan(latest) ? afterClusterTime : latest;
  const rest = elements.filter((element) => !element.equals(concern.bytes));
  return [...rest, ...encodeElements({ readConcern: { level, atClusterTime: time, ...others } })];
}
