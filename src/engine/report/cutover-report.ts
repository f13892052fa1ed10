import { type CutoverReport, dateOf, type Progress } from '../../contract/index.ts';
import { counted, redact, version } from '../../platform/index.ts';
import { expireAfterSeconds, isUnique } from '../catalog/index-spec.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { plainAddress } from '../mongodb/plain-address.ts';
import { LIFT_COMMAND } from '../mongodb/write-block.ts';
import type { CutoverEvidence } from '../records/cutover-attempt.ts';
import type { MigrationOptions } from '../scope/options.ts';
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

/** Returns the report of a committed cutover. It depends only on the records, so a later run returns the same. */
export function cutoverReport(
  progress: Progress,
  { options, collections, evidence, nowMs }: ReportedCutover,
): CutoverReport {
  const { migrationId, state, phases, copy, changes, indexes, cutoverAttempts } = progress;
  const isComplete = state === 'COMMITTED';
  const startedAt = phases[0]?.startedAt ?? null;
  const endedAt = (isComplete ? phases.at(-1)?.endedAt : undefined) ?? null;
  const secondsBetween = (from: string, to = dateOf(nowMs)) => Math.max(0, Date.parse(to) - Date.parse(from)) / 1_000;
  const specs = collections.flatMap((collection) => collection.indexes);
  const after = plainly(options.destination);
  return {
    type: 'linkspan cutover',
    formatVersion: 1,
    linkspanVersion: version,
    migrationId,
    isComplete,
    startedAt,
    endedAt,
    seconds: startedAt === null ? null : secondsBetween(startedAt, endedAt ?? undefined),
    phases: phases.map(({ name, startedAt: from, endedAt: to }) => ({ name, seconds: secondsBetween(from, to) })),
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
    attempts: cutoverAttempts.map(({ steps, ...attempt }) => ({
      ...attempt,
      ...(attempt.reason !== undefined && { reason: redact(attempt.reason) }),
      steps: steps.map((step) => ({ ...step, reason: redact(step.reason) })),
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
        "From the command that set the source's write block until the destination took writes. Reads continued. A client that retries writes " +
        'also needs the time until it connects to the destination.',
    };
  const explanation = cutover?.blocking ? 'The pause is not on record.' : 'The source was not blocked.';
  return { milliseconds: null, explanation };
}

function verificationOf(evidence: CutoverEvidence | undefined): CutoverReport['verification'] {
  if (evidence === undefined || evidence.mode === 'OFF') {
    const claim = evidence === undefined ? 'No result is on record.' : 'Nothing was compared: verification was off.';
    const nothing = { documentsCompared: 0, documentsRechecked: 0, differed: 0, equalAt: null };
    return { mode: evidence?.mode ?? 'UNKNOWN', result: 'NOT_VERIFIED', claim, ...nothing };
  }
  const { mode, documentsCompared, documentsRechecked, differed, open, equalAt, digests } = evidence;
  const compared =
    `${counted(documentsCompared, 'document')} compared, and ${counted(documentsRechecked, 'comparison')} of documents ` +
    'after their last change';
  const found = { mode, documentsCompared, documentsRechecked, differed, equalAt, ...(digests && { digests }) };
  const claimOf = (...facts: readonly string[]) => [...facts, ...reservationsOf(evidence)].join(' ');
  if (open > 0) {
    const claim = claimOf(`${compared}. ${counted(open, 'document')} differed at the cutover.`);
    return { ...found, result: 'DIFFERENT', claim };
  }
  if (equalAt === null)
    return { ...found, result: 'NOT_VERIFIED', claim: claimOf(`${compared}. No time of equality is proven.`) };
  const time = `${equalAt}, the time of the last barrier under which the cutover committed`;
  const claim = claimOf(`Equal at ${time}${conditionsOf(evidence)}: ${compared}.`);
  return { ...found, result: isUnreserved(evidence) ? 'EQUAL' : 'NOT_VERIFIED', claim };
}
