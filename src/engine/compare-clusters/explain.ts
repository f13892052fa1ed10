import type { ClusterTime, VerificationReport } from '../../contract/index.ts';
import { counted } from '../../platform/index.ts';

type Known = Pick<VerificationReport, 'result' | 'source' | 'destination' | 'totals' | 'views' | 'catalogDifferences'>;

/** Namespaces of which the result says less. */
interface Reservations {
  /** They were created, or written without events, again and again. */
  readonly restless: readonly string[];
  /** Their natural order could not be compared. */
  readonly unordered: readonly string[];
  /** Servers before 6.0 show no changes of them. */
  readonly unseen: readonly string[];
  /** Documents that differ because they changed on the destination only. */
  readonly external: number;
}

/** Returns the result in words, and what it proves. */
export function explain(
  known: Known,
  differences: number,
  { restless, unordered, unseen, external }: Reservations,
): string {
  const { result, totals, views, catalogDifferences } = known;
  if (result === 'UNFINISHED')
    return 'The comparison was stopped before it had compared everything. It proves nothing.';
  const what = `${counted(totals.documents, 'document')} in ${counted(totals.collections, 'collection')}`;
  const rechecked =
    totals.rechecked === 0 ? '' : ` ${counted(totals.rechecked, 'key')} changed meanwhile, and were equal afterwards.`;
  const undecided =
    totals.undecided === 0
      ? ''
      : ` ${counted(totals.undecided, 'key')} kept changing, so the result says nothing of them.`;
  const always =
    restless.length === 0
      ? ''
      : ` These collections were created or written in bulk again and again, so the result says nothing of them: ${restless.join(', ')}.`;
  const order =
    unordered.length === 0
      ? ''
      : ` The natural order of these capped collections could not be compared, because each time one side had more than 1,000 documents that the other lacked, or discarded documents before they were read: ${unordered.join(', ')}.`;
  const others =
    external === 0
      ? ''
      : ` ${counted(external, 'document')} of these changed on the destination only while the comparison ran, and repairs leave such documents as they are.`;
  const definitions = views === 0 ? 'options and indexes' : `options, indexes and ${counted(views, 'view')}`;
  const unstreamed =
    unseen.length === 0
      ? ''
      : ` No stream of a server before 6.0 shows changes of ${unseen.join(', ')}: of these the result holds only if no one wrote to them meanwhile.`;
  const found = {
    EQUAL: `Both sides have the same ${what}, byte for byte, and the same ${definitions}.`,
    UNDECIDED: `No difference was found in ${what}.`,
    DIFFERENT: `${counted(differences, 'document')} and ${counted(catalogDifferences.length, 'definition')} differ, among ${what}.`,
  }[result];
  return `${found}${others}${rechecked}${undecided}${always}${order} ${holding(known)}${unstreamed}${unread(known)}`;
}

function holding({ source, destination }: Known): string {
  const unseen = [...(source.watched ? [] : ['source']), ...(destination.watched ? [] : ['destination'])];
  const times = `The result holds at time ${shown(source.clusterTime)} of the source and ${shown(destination.clusterTime)} of the destination`;
  if (unseen.length === 0) return `${times}.`;
  return `${times}, if no one wrote to the ${unseen.join(' or the ')} while the comparison ran: the user may not open a change stream there, which would show it.`;
}

/** Without a change stream, the result has a larger reservation. */
function unread({ source, destination }: Known): string {
  const sides = [
    source.oplogRead || !source.watched ? [] : 'source',
    destination.oplogRead || !destination.watched ? [] : 'destination',
  ].flat();
  if (sides.length === 0) return '';
  const why =
    source.sharded && sides.join() === 'source'
      ? "No router shows the oplogs of the source's shards"
      : `The user may not read the oplog of the ${sides.join(' and the ')}`;
  return ` ${why}: the result holds only if no one wrote there by applyOps, or restored it from an older backup, while the comparison ran.`;
}

function shown(time: ClusterTime | null): string {
  return time === null ? 'unknown' : `${new Date(time.t * 1000).toISOString()} (${time.t}, ${time.i})`;
}
