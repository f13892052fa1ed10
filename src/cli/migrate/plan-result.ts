import { shownBytes } from '../../contract/index.ts';
import type { Examination } from '../../engine/index.ts';
import { counted } from '../../platform/index.ts';
import { exitCode } from '../command-line/exit-code.ts';
import { findingsText } from '../command-line/findings.ts';
import { type End, outcomeOf } from '../command-line/outcome.ts';
import { formatCount, formatSeconds } from '../progress/format.ts';
import type { OutputFormat } from '../progress/index.ts';
import type { Terminal } from '../progress/tty.ts';
import { colour, wrapBeside } from '../terminal/index.ts';

/** Columns for a name and the space after it. */
const NAME_COLUMNS = 17;

/** Writes the result of an examination: one JSON object, or a table and the findings by severity. */
export function showPlan(examination: Examination, end: End, format: OutputFormat, sink: Terminal): void {
  if (format === 'json') {
    writePlan(examination, end, sink);
    return;
  }
  for (const [name, value] of rowsOf(examination)) {
    sink.write(`${wrapBeside(name, NAME_COLUMNS, value, sink)}\n`);
  }
  sink.write(findingsText(examination.findings, sink));
  const isStopped = end.code !== exitCode.done;
  const verdict = isStopped
    ? colour('error', 'Something stops this migration.', sink)
    : colour('good', 'Nothing stops this migration.', sink);
  sink.write(`\n${verdict}\n`);
}

/** Writes the only object of `linkspan plan --output json`, which is also its result. */
export function writePlan(examination: Examination, end: End, sink: Terminal): void {
  const { source, destination, sizes, copyTime, findings, searchIndexes } = examination;
  const plan = { source: shown(source), destination: shown(destination), sizes, copyTime, searchIndexes, findings };
  sink.write(`${JSON.stringify({ type: 'plan', ...outcomeOf(end), ...plan })}\n`);
}

type Cluster = NonNullable<Examination['source']>;

function shown(cluster: Cluster | undefined) {
  if (cluster === undefined) return undefined;
  const { mongoDBVersion, featureCompatibilityVersion, primary, sharded, shards, tlsEnabled, oplogSizeMB } = cluster;
  return { mongoDBVersion, featureCompatibilityVersion, primary, sharded, shards, tlsEnabled, oplogSizeMB };
}

function rowsOf({ source, destination, sizes, copyTime }: Examination): [string, string][] {
  const rows: [string, string | undefined][] = [
    ['source', source && placeOf(source)],
    ['destination', destination && placeOf(destination)],
    ['collections', sizes && `${formatCount(sizes.collections)}, and ${counted(sizes.views, 'view')}`],
    ['documents', sizes && formatCount(sizes.documents)],
    [
      'bytes',
      sizes && `${shownBytes(sizes.bytes)}, on the source's disk ${shownBytes(sizes.storedBytes)} with indexes`,
    ],
    [
      'indexes',
      sizes && `${formatCount(sizes.indexes)} besides those on _id; all of them take ${shownBytes(sizes.indexBytes)}`,
    ],
    [
      'not counted',
      sizes && sizes.left > 0
        ? `${counted(sizes.left, 'database or collection', 'databases or collections')}: the time limit was reached`
        : undefined,
    ],
    ['initial sync', copyTime && `about ${formatSeconds(copyTime.seconds)}, without index builds`],
    ['', copyTime && `at ${shownBytes(copyTime.bytesPerSecond)}/s: ${basisOf(copyTime)}`],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== undefined);
}

/** Returns a cluster's version and server. The server of a sharded cluster is a router. */
function placeOf({ mongoDBVersion, primary, sharded, shards }: Cluster): string {
  const server = `MongoDB ${mongoDBVersion} at ${primary}`;
  if (!sharded) return server;
  return `${server}, a router of a sharded cluster${shards === undefined ? '' : ` with ${counted(shards, 'shard')}`}`;
}

function basisOf({ restsOn, readBytesPerSecond }: NonNullable<Examination['copyTime']>): string {
  const read =
    readBytesPerSecond === undefined
      ? 'the source has too little data to measure its read rate'
      : `a short test read the source at ${shownBytes(readBytesPerSecond)}/s`;
  switch (restsOn) {
    case 'MEASURED_SOURCE_READ':
      return `${read}, with one reader`;
    case 'CONFIGURED_LIMIT':
      return `the limit of the configuration; ${read}`;
    case 'ASSUMPTION':
      return `assumed for the destination, because the plan writes nothing; ${read}`;
  }
}
