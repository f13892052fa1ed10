import { type CutoverReport, counted, redact, version } from '../../platform/index.ts';
import { expireAfterSeconds, isUnique } from '../catalog/index-spec.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { plainAddress } from '../mongodb/plain-address.ts';
import { LIFT_COMMAND } from '../mongodb/write-block.ts';
import type { CutoverEvidence } from '../records/cutover-attempt.ts';
import type { MigrationOptions } from '../scope/options.ts';
import type { Progress } from './progress.ts';
import { conditionsOf, isUnreserved, reservationsOf } from './reservations.ts';

/** The parts of a cutover's report that the progress lacks. */
interface ReportedCutover {
  readonly options: Pick<MigrationOptions, 'source' | 'destination'>;
  readonly collections: readonly TrackedCollection[];
  readonly evidence: CutoverEvidence | undefined;
  readonly nowMs: number;
}

type Address = MigrationOptions['source'];

/** Every look at a committed migration has a report, and parsing a connection string takes the driver a millisecond. */
const plainAddresses = new WeakMap<Address, string>();

/** Returns the report of a committed cutover. It depends only on what is on record, so a later run returns the same. */
export function cutoverReport(
  progress: Progress,
  { options, collections, evidence, nowMs }: ReportedCutover,
): CutoverReport {
  const { migrationId, state, phases, copy, changes, indexes, cutoverAttempts } = progress;
  const isComplete = state === 'committed';
  const startedAtMs = phases[0]?.startedAtMs;
  const endedAtMs = isComplete ? phases.at(-1)?.endedAtMs : undefined;
  const specs = collections.flatMap((collection) => collection.indexes);
  const after = plainly(options.destination);
  return {
    type: 'linkspan cutover',
    formatVersion: 1,
    linkspanVersion: version,
    migrationId,
    isComplete,
    startedAt: dateOrNull(startedAtMs),
    endedAt: dateOrNull(endedAtMs),
    seconds: startedAtMs === undefined ? null : Math.max(0, (endedAtMs ?? nowMs) - startedAtMs) / 1_000,
    phases: phases.map(({ name, startedAtMs: from, endedAtMs: to }) => ({
      name,
      seconds: Math.max(0, (to ?? nowMs) - from) / 1_000,
    })),
    pause: pauseOf(progress),
    copied: {
      collections: copy.collectionsTotal,
      documents: copy.documentsCopied,
      bytes: copy.bytesCopied,
      changesApplied: changes.applied,
    },
    indexes: {
      total: indexes.total,
      unique: specs.filter(isUnique).length,
      expiring: specs.filter((spec) => expireAfterSeconds(spec) !== undefined).length,
    },
    verification: verificationOf(evidence),
    blocked: progress.cutover?.blocking
      ? [{ what: "writes of the source's users, so that both sides never take writes", undo: LIFT_COMMAND }]
      : [],
    warnings: progress.warnings.map(redact),
    connectionStrings: { before: plainly(options.source), after },
    cleanup: [
      {
        what: "the migration's records in linkspan_internal on the destination",
        command: `linkspan cleanup --migration ${migrationId} --destination '${after}'`,
      },
    ],
    attempts: cutoverAttempts.map(({ startedAtMs: atMs, steps, ...attempt }) => ({
      ...attempt,
      ...(attempt.reason !== undefined && { reason: redact(attempt.reason) }),
      startedAt: new Date(atMs).toISOString(),
      steps: steps.map(({ startedAtMs: from, reason, ...step }) => ({
        ...step,
        startedAt: new Date(from).toISOString(),
        reason: redact(reason),
      })),
    })),
  };
}

function plainly(address: Address): string {
  const plain = plainAddresses.get(address) ?? plainAddress(address.uri);
  plainAddresses.set(address, plain);
  return plain;
}

function pauseOf({ cutoverAttempts, cutover }: Progress): CutoverReport['pause'] {
  const stoppedMs = cutoverAttempts.at(-1)?.stoppedMs;
  if (stoppedMs !== undefined)
    return {
      milliseconds: stoppedMs,
      explanation:
        "From the command that set the source's write block until the destination took writes. Reads went on. A client that retries writes " +
        'also needs the time until it connects to the destination.',
    };
  const explanation = cutover?.blocking ? 'The pause is not on record.' : 'The source was not blocked.';
  return { milliseconds: null, explanation };
}

function verificationOf(evidence: CutoverEvidence | undefined): CutoverReport['verification'] {
  if (evidence === undefined || evidence.mode === 'off') {
    const claim = evidence === undefined ? 'No result is on record.' : 'Nothing was compared: verification was off.';
    const nothing = { documentsCompared: 0, documentsRechecked: 0, differed: 0, equalAt: null };
    return { mode: evidence?.mode ?? 'unknown', result: 'not verified', claim, ...nothing };
  }
  const { mode, documentsCompared, documentsRechecked, differed, open, equalAtMs } = evidence;
  const equalAt = dateOrNull(equalAtMs ?? undefined);
  const compared =
    `${counted(documentsCompared, 'document')} compared, and ${counted(documentsRechecked, 'comparison')} of documents ` +
    'after their last change';
  const found = { mode, documentsCompared, documentsRechecked, differed, equalAt };
  // Records of older versions have none.
  const { seesForeignWrites = true, foreignWrites = 0, cappedUncertain = [] } = evidence;
  const reserved = { seesForeignWrites, foreignWrites, cappedUncertain };
  const claimOf = (...facts: readonly string[]) => [...facts, ...reservationsOf(reserved)].join(' ');
  if (open > 0) {
    const claim = claimOf(`${compared}. ${counted(open, 'document')} differed at the cutover.`);
    return { ...found, result: 'different', claim };
  }
  if (equalAt === null)
    return { ...found, result: 'not verified', claim: claimOf(`${compared}. No time of equality is proven.`) };
  const time = `${equalAt}, the time of the last barrier under which the cutover committed`;
  const claim = claimOf(`Equal at ${time}${conditionsOf(reserved)}: ${compared}.`);
  return { ...found, result: isUnreserved(reserved) ? 'equal' : 'not verified', claim };
}

function dateOrNull(atMs: number | undefined): string | null {
  return atMs === undefined ? null : new Date(atMs).toISOString();
}
