import {
  dateOf,
  type Gate,
  type GateName,
  type MigrationState,
  type Oplog,
  type Shard,
  type Wait,
} from '../../contract/index.ts';
import { counted } from '../../platform/index.ts';
import { LAG_LIMIT_MS, type LagReading } from '../capture/lag-meter.ts';
import { LOW_HEADROOM_PERCENT } from '../capture/watched-oplog.ts';
import { describeWait } from '../mongodb/retry.ts';
import { describeUnseen } from '../mongodb/shard-clients.ts';
import { shownState } from '../records/shown-state.ts';
import { describeCatalogDifference } from '../verify/catalog-difference-text.ts';
import { gate } from './gate.ts';
import { LONG_TRANSACTION_SECONDS, type Measured, type MeasuredConditions } from './measured-conditions.ts';
import type { VerificationView } from './verification-progress.ts';

/** The stream's part of the facts. */
interface StreamFacts {
  /** Whether every collection follows its changes, and nothing is repaired, built or held. */
  readonly allLive: boolean;
  readonly lagSeconds: number | null;
  /** The lag of applied and of compared changes. */
  readonly applied: LagReading;
  readonly compared: LagReading;
  readonly whyUnanswered: string | undefined;
  readonly verification: VerificationView;
  readonly oplog: Oplog | null;
  /** Undefined for a replica set. */
  readonly shards?: readonly Shard[] | undefined;
}

/** Everything that the gates of a run depend on. */
export interface ReadinessFacts {
  /** Wall clock. */
  readonly nowMs: number;
  readonly state: MigrationState;
  /** Whether the operator has paused the migration. */
  readonly isPaused: boolean;
  readonly collections: { readonly total: number; readonly copied: number; readonly live: number };
  readonly indexes: { readonly total: number; readonly built: number };
  /** Collections that may have missed changes. */
  readonly suspect: readonly string[];
  readonly drops: { readonly any: boolean; readonly wait: Wait | undefined };
  /** Other waits. */
  readonly waits: readonly Wait[];
  /** Collections with documents that made room for others and aren't written again. */
  readonly displaced: readonly Wait[];
  /** The wait for the next attempt to cut over; undefined when one may begin. */
  readonly attempt: Wait | undefined;
  /** Undefined until the run follows the source. */
  readonly stream: StreamFacts | undefined;
  readonly conditions: MeasuredConditions;
  readonly destination: { readonly keepsOthers: boolean; readonly wasBlocked: boolean };
  /** Estimates in seconds; null when unknown. */
  readonly eta: { readonly copy: number | null; readonly documents: number | null; readonly lag: number | null };
}

/** States of a migration that has ended or not begun: its gates say nothing about a cutover. */
const NOT_UNDER_WAY: ReadonlySet<MigrationState> = new Set(['CREATED', 'COMMITTED', 'CANCELLED', 'FAILED']);
/** An operator has to act before the migration runs again. */
const HELD: ReadonlySet<MigrationState> = new Set(['PAUSED', 'COMMITTED', 'CANCELLED', 'FAILED']);
const LAG_LIMIT_SECONDS = LAG_LIMIT_MS / 1_000;

/** Returns the gates of an engine. A cutover may begin when none that refuses is open. */
export function gatesOf(facts: ReadinessFacts): Gate[] {
  const { nowMs, state } = facts;
  if (NOT_UNDER_WAY.has(state)) return [running(facts)];
  const gates = [
    running(facts),
    ...[waits, copy, indexes, history, drops, lag, documents, catalogs, attempt].map((gate) => gate(facts)),
    ...advice(facts),
  ];
  const now = dateOf(nowMs);
  return gates.map((gate) => ({
    ...gate,
    measuredAt: gate.measuredAt ?? (gate.state === 'UNKNOWN' ? null : now),
  }));
}

/** Returns a gate that is passed when there is no reason against it. */
function unless(
  name: GateName,
  reasons: readonly string[],
  more: Partial<Gate> & { readonly not?: Gate['state'] } = {},
) {
  const { not = 'WAITING', ...fields } = more;
  return gate(name, reasons.length === 0 ? 'PASSED' : not, reasons, fields);
}

function running({ state, isPaused }: ReadinessFacts): Gate {
  const shown = isPaused ? 'PAUSED' : state;
  const reasons = shown === 'FOLLOWING' ? [] : [`it is ${shownState(shown)}`];
  return unless('RUNNING', reasons, { not: HELD.has(shown) ? 'BLOCKED' : 'WAITING' });
}

function waits(facts: ReadinessFacts): Gate {
  const all = [...facts.waits, ...facts.displaced];
  return unless('WAITS', all.map(describeWait), { value: all.length, limit: 0 });
}

function copy({ collections: { total, copied }, stream, eta }: ReadinessFacts): Gate {
  const isCopied = stream !== undefined && copied >= total;
  const reasons = isCopied ? [] : [`${copied} of ${counted(total, 'collection')} copied`];
  return unless('COPY', reasons, { value: copied, limit: total, etaSeconds: isCopied ? null : eta.copy });
}

/** Together with the waits, the copy, the missed changes and the drops, it is passed only while every collection is live. */
function indexes(facts: ReadinessFacts): Gate {
  const {
    collections,
    indexes: { total, built },
    stream,
  } = facts;
  const isHeldElsewhere = facts.drops.any || facts.suspect.length > 0 || facts.displaced.length > 0;
  const areBuilt = collections.live >= collections.total && (isHeldElsewhere || stream?.allLive === true);
  const open =
    built < total ? `${built} of ${counted(total, 'index', 'indexes')} built` : 'indexes are being brought in sync';
  const reasons = areBuilt ? [] : [open];
  return unless('INDEXES', reasons, { value: built, limit: total });
}

function history({ suspect }: ReadinessFacts): Gate {
  const [first] = suspect;
  const reasons =
    first === undefined ? [] : [`changes of ${first}${andMore(suspect)} were missed: that is being repaired`];
  return unless('HISTORY', reasons, { value: suspect.length, limit: 0 });
}

function drops({ drops: { any, wait } }: ReadinessFacts): Gate {
  const reasons =
    wait === undefined ? (any ? ['drops of the source wait for a confirmation'] : []) : [describeWait(wait)];
  return unless('DROPS', reasons, { not: 'BLOCKED' });
}

/** The lag is at most the age of the newest barrier that was passed, and at least what the stream shows. */
function lag({ stream, eta }: ReadinessFacts): Gate {
  const limit = LAG_LIMIT_SECONDS;
  if (stream === undefined || stream.lagSeconds === null)
    return gate('LAG', 'UNKNOWN', ['the lag is not known yet'], { limit });
  const { applied, lagSeconds, whyUnanswered } = stream;
  const steadyInSeconds = Math.ceil(applied.steadyInMs / 1_000);
  const more = { value: lagSeconds, limit };
  // rule: lag-gate-age
  if (lagSeconds > limit || applied.ageMs > LAG_LIMIT_MS) {
    const isSeen = lagSeconds > limit || applied.awakeMs > LAG_LIMIT_MS;
    const seen = `the lag is ${Math.max(lagSeconds, Math.floor(applied.awakeMs / 1_000))} s, above ${limit} s`;
    const reason = isSeen ? seen : 'the machine slept, or its clock was set: the lag is measured anew';
    const because = whyUnanswered === undefined ? '' : `; the source did not acknowledge a note: ${whyUnanswered}`;
    return gate('LAG', 'WAITING', [reason + because], { ...more, etaSeconds: eta.lag });
  }
  // rule: own-barriers-only
  if (applied.isKnown && applied.isSteady) return gate('LAG', 'PASSED', [], more);
  const reason =
    applied.steadyInMs > 0
      ? `the lag was above ${limit} s, and must stay small for ${steadyInSeconds} s more`
      : 'the lag has not been small in several measurements';
  return gate('LAG', 'WAITING', [reason], { ...more, etaSeconds: steadyInSeconds });
}

function documents({ collections: { total }, stream, eta }: ReadinessFacts): Gate {
  if (stream === undefined) return gate('DOCUMENTS', 'UNKNOWN', ['nothing is compared yet']);
  const { mode, isSettled, collectionsDone, mismatches, rechecks } = stream.verification;
  if (mode === 'OFF') return gate('DOCUMENTS', 'SKIPPED', ['verification is switched off']);
  const differ =
    // rule: refuse-while-differing
    mismatches.open > 0 ? [`source and destination differ in ${counted(mismatches.open, 'document')}`] : [];
  // rule: wait-for-comparisons
  const late = isSettled ? whyBehind(stream) : undefined;
  const again =
    rechecks.size > 0
      ? `yet to compare ${counted(rechecks.size, 'document')} again`
      : 'not compared the latest changes';
  // The documents to compare again are few beside those that aren't compared once.
  const isFirst = collectionsDone < total;
  const incomplete = `the verification has ${isFirst ? `compared ${collectionsDone} of ${counted(total, 'collection')}` : again}`;
  const reasons = [...differ, ...(isSettled ? [] : [incomplete]), ...(late === undefined ? [] : [late])];
  return unless('DOCUMENTS', reasons, {
    not: differ.length > 0 && mode === 'REPORT' ? 'BLOCKED' : 'WAITING',
    value: mismatches.open,
    limit: 0,
    etaSeconds: isSettled ? null : eta.documents,
  });
}

/** A cutover compares earlier changes before it begins, so a comparison that is far behind would hold it up. */
function whyBehind({ compared: { isKnown, ageMs }, verification: { rechecks } }: StreamFacts): string | undefined {
  if (!isKnown) return 'the verification has not compared the latest changes';
  if (ageMs <= LAG_LIMIT_MS) return undefined;
  return `the verification is ${Math.floor(ageMs / 1_000)} s behind, above ${LAG_LIMIT_SECONDS} s: it has yet to compare ${counted(rechecks.size, 'document')} again`;
}

function catalogs({ stream }: ReadinessFacts): Gate {
  if (stream === undefined) return gate('CATALOGS', 'UNKNOWN', ['the catalogs are not compared yet']);
  const { mode, catalog } = stream.verification;
  if (mode === 'OFF') return gate('CATALOGS', 'SKIPPED', ['verification is switched off']);
  const { differences } = catalog;
  if (differences === undefined) return gate('CATALOGS', 'UNKNOWN', ['the verification has not compared the catalogs']);
  const [first] = differences;
  const reasons =
    first === undefined
      ? []
      : [`source and destination differ in ${describeCatalogDifference(first)}${andMore(differences)}`];
  return unless('CATALOGS', reasons, { not: 'BLOCKED', value: differences.length, limit: 0 });
}

function attempt({ attempt: wait }: ReadinessFacts): Gate {
  return unless('ATTEMPT', wait === undefined ? [] : [describeWait(wait)]);
}

/** The gates that advise: a cutover waits by itself for the conditions that they name, or can't change them. */
function advice(facts: ReadinessFacts): Gate[] {
  const { activity, sourceBlock } = facts.conditions;
  return [
    oplog(facts),
    measured('TRANSACTIONS', activity, ({ transactions, usersWait }) => {
      const [oldest] = transactions;
      const together = usersWait
        ? ': if one begins right before the write block of a sharded source, users wait for it'
        : '';
      const reasons =
        oldest === undefined
          ? []
          : [`a transaction${by(oldest)} has been open for ${oldest.seconds} s${andMore(transactions)}${together}`];
      return unless('TRANSACTIONS', reasons, { value: oldest?.seconds ?? 0, limit: LONG_TRANSACTION_SECONDS });
    }),
    measured('INDEX_BUILDS', activity, ({ indexBuilds }) => {
      const reasons = indexBuilds.map(
        (one) => `an index is being built${by(one)} on ${one.namespace} for ${one.seconds} s`,
      );
      return unless('INDEX_BUILDS', reasons, { value: indexBuilds.length, limit: 0 });
    }),
    measured('SOURCE_BLOCK', sourceBlock, (holder) =>
      unless('SOURCE_BLOCK', holder === undefined ? [] : [holder], { not: 'BLOCKED' }),
    ),
    destinationBlock(facts),
  ];
}

function oplog({ stream }: ReadinessFacts): Gate {
  const headroom = stream?.oplog ?? null;
  const limit = LOW_HEADROOM_PERCENT;
  const low = lowOplogs(headroom, stream?.shards);
  const more = { value: headroom?.headroomPercent ?? null, limit };
  if (low.length > 0) return gate('OPLOG', 'BLOCKED', low, more);
  if (headroom !== null) return gate('OPLOG', 'PASSED', [], more);
  const unseen = describeUnseen(stream?.shards ?? []);
  const which = unseen === undefined ? '' : `, on the shards ${unseen}`;
  return gate('OPLOG', 'UNKNOWN', [`how much of the oplog is left is not known${which}`], { limit });
}

/** Returns a reason for each oplog of which little is left. */
function lowOplogs(headroom: Oplog | null, shards: readonly Shard[] | undefined): string[] {
  const oplogs = shards?.map(({ shard, oplog }) => ({ oplog, of: `the oplog of the shard ${shard}` }));
  return (oplogs ?? [{ oplog: headroom, of: 'the oplog' }]).flatMap(({ oplog, of }) =>
    oplog === null || oplog.headroomPercent >= LOW_HEADROOM_PERCENT
      ? []
      : [`less than ${LOW_HEADROOM_PERCENT} % of ${of} is left: it loses changes in about ${oplog.leftSeconds} s`],
  );
}

function destinationBlock({ destination, conditions: { destinationIsBlocked } }: ReadinessFacts): Gate {
  if (destination.keepsOthers)
    return gate('DESTINATION_BLOCK', 'SKIPPED', [
      'it keeps its other data and is in use, so the migration does not block it',
    ]);
  if (!destination.wasBlocked)
    return gate('DESTINATION_BLOCK', 'BLOCKED', [
      "the migration's user may not block writes there, or may not write through the block",
    ]);
  return measured('DESTINATION_BLOCK', destinationIsBlocked, (isBlocked) => {
    if (isBlocked === undefined) return gate('DESTINATION_BLOCK', 'UNKNOWN', ["the migration's user may not ask"]);
    return unless('DESTINATION_BLOCK', isBlocked ? [] : ['another client has lifted its write block'], {
      not: 'BLOCKED',
    });
  });
}

function measured<T>(name: GateName, result: Measured<T> | undefined, toGate: (value: T) => Gate): Gate {
  if (result === undefined) return gate(name, 'UNKNOWN', ['not measured yet']);
  if ('whyUnknown' in result) return gate(name, 'UNKNOWN', [result.whyUnknown]);
  return { ...toGate(result.value), measuredAt: dateOf(result.atMs) };
}

function by({ application }: { readonly application: string | null }): string {
  return application === null ? '' : ` of ${application}`;
}

function andMore(all: readonly unknown[]): string {
  return all.length > 1 ? ` and ${all.length - 1} more` : '';
}
