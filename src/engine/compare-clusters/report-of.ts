import type { VerificationReport } from '../../contract/index.ts';
import { version } from '../../platform/index.ts';
import { canonicalIndex, canonicalOptions, fingerprintOf } from '../compare/canonical-form.ts';
import type { SideEntry } from '../compare/side-catalog.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { ComparedPair } from './compared-pair.ts';
import type { ComparedSide } from './compared-side.ts';
import type { Proof } from './comparison.ts';
import type { ComparisonContext } from './comparison-context.ts';
import { clusterTime } from './differences.ts';
import { explain } from './explain.ts';

const MOST_EXAMPLES = 20;

/** The fields of a report that no comparison finds. */
export interface ReportFrame {
  readonly startedAtMs: number;
  readonly ranMs: number;
  readonly selection: VerificationReport['selection'];
}

/**
 * Returns the report of a comparison.
 * @param proof  undefined when it was stopped before it had compared everything
 */
export function reportOf(
  context: ComparisonContext,
  pairs: readonly ComparedPair[],
  proof: Proof | undefined,
  { startedAtMs, ranMs, selection }: ReportFrame,
): VerificationReport {
  const { source, destination, differences, clock } = context;
  const disorders = pairs.flatMap(({ order }) => order?.disorder ?? []);
  const all = [...differences.listed, ...disorders];
  const undecided = [...(proof?.undecided.values() ?? [])].reduce((sum, one) => sum + one, 0);
  const catalogDifferences = [...(proof?.catalogs.differences ?? [])];
  const total = differences.remaining() + disorders.length;
  const entries = [...(proof?.catalogs.source.values() ?? [])];
  const remaining = Map.groupBy(
    all.filter(({ repaired }) => !repaired),
    ({ namespace }) => namespace,
  );
  const collections = pairs.map((pair) =>
    collectionOf(context, pair, {
      differences: remaining.get(pair.namespace)?.length ?? 0,
      undecided: proof?.undecided.get(pair) ?? 0,
    }),
  );
  const totals = {
    collections: pairs.length,
    documents: sum(pairs.map((pair) => pair.compared.documents)),
    bytes: sum(pairs.map((pair) => pair.compared.bytes)),
    rechecked: sum(pairs.map(({ rechecked }) => rechecked)),
    undecided,
  };
  // Another sentence covers a side that isn't watched at all.
  const unseen = pairs
    .filter((pair) => [source, destination].some((side) => side.isWatched && !side.shows(pair)))
    .map(({ namespace }) => namespace);
  const external = all.filter(({ external, repaired }) => external && !repaired).length;
  const { restless = [], unordered = [] } = proof ?? {};
  const result = resultOf(proof, total + catalogDifferences.length, undecided);
  const known = {
    source: sideOf(source, proof?.sourceTime),
    destination: sideOf(destination, proof?.destinationTime),
    totals,
    views: entries.filter(({ type }) => type === 'view').length,
    catalogDifferences,
  };
  return {
    type: 'linkspan verification',
    formatVersion: 1,
    linkspanVersion: version,
    result,
    explanation: explain({ ...known, result }, total, { restless, unordered, unseen, external }),
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: new Date(clock.now()).toISOString(),
    seconds: Math.round(ranMs) / 1000,
    selection,
    collections,
    differences: {
      total,
      repaired: all.filter(({ repaired }) => repaired).length,
      unlisted: differences.unlisted,
      examples: all.slice(0, MOST_EXAMPLES),
    },
    ...known,
  };
}

function resultOf(proof: Proof | undefined, differences: number, undecided: number): VerificationReport['result'] {
  if (proof === undefined) return 'UNFINISHED';
  if (differences > 0) return 'DIFFERENT';
  // rule: unordered-is-undecided
  return undecided + proof.restless.length + proof.unordered.length > 0 ? 'UNDECIDED' : 'EQUAL';
}

function sideOf(side: ComparedSide, time: Proof['sourceTime']): VerificationReport['source'] {
  const oplogRead = side.isWatched && side.isOplogRead && !historyOf(side.client).isUnreadable;
  return {
    replicaSetId: side.clusterId,
    ...(isSharded(side.client) ? { sharded: true as const } : {}),
    watched: side.isWatched,
    oplogRead,
    clusterTime: clusterTime(time),
  };
}

function collectionOf(
  { source, destination }: ComparisonContext,
  pair: ComparedPair,
  counts: { readonly differences: number; readonly undecided: number },
): VerificationReport['collections'][number] {
  const of = (side: ComparedSide) => ({
    ...pair.digestOf(side.side),
    ...(pair.order?.digests === undefined ? {} : { orderDigest: pair.order.digests[side.side] }),
    // The documents that were read may differ from the side's documents at the result's time.
    ...(pair.changes[side.side] > 0 ? { digest: null, orderDigest: undefined } : {}),
    changed: side.shows(pair) ? pair.changes[side.side] : null,
    ...fingerprintsOf(pair[side.side]),
  });
  return {
    namespace: pair.namespace,
    destinationNamespace: pair.destinationNamespace,
    type: pair.source.type === 'timeseries' ? 'timeseries' : 'collection',
    source: of(source),
    destination: of(destination),
    rechecked: pair.rechecked,
    ...counts,
  };
}

function fingerprintsOf({ options, indexes }: SideEntry) {
  const prints = indexes.map((spec) => [spec.name, fingerprintOf(canonicalIndex(spec))] as const);
  return { options: fingerprintOf(canonicalOptions(options)), indexes: Object.fromEntries(prints) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
