import type { MongoClient } from 'mongodb';
import { failpoint, newId, UserError } from '../../platform/index.ts';
import { type ClusterAddresses, connectCluster } from '../mongodb/connect.ts';
import { compareVersions, WITHOUT_BUCKETS } from '../mongodb/server-features.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { Side } from '../mongodb/side.ts';
import { checkCluster, levelOf } from '../preflight/checks/versions.ts';
import { type ClusterDescription, describeCluster } from '../preflight/inspect-cluster.ts';
import { Ownership } from '../records/ownership.ts';
import { recordRawData } from '../records/tried-raw-data.ts';
import type { Server, TrialFact } from './fact.ts';
import { CURSOR_FACTS } from './facts/cursors.ts';
import { CUTOVER_FACTS } from './facts/cutover.ts';
import { LISTING_FACTS } from './facts/listings.ts';
import { RAW_DATA, TAKES_BUCKETS } from './facts/raw-data.ts';
import { SERVER_FACTS } from './facts/server.ts';
import { TIME_SERIES_FACTS } from './facts/time-series.ts';
import { TRACE_FACTS } from './facts/traces.ts';
import { WRITE_FACTS } from './facts/writes.ts';
import { judged, type Place, type ProbedFact, unseen, whyUnseen } from './judge.ts';
import { Scratch } from './scratch.ts';

const TRIALS: readonly TrialFact[] = [
  ...LISTING_FACTS,
  ...WRITE_FACTS,
  ...CURSOR_FACTS,
  ...TRACE_FACTS,
  ...TIME_SERIES_FACTS,
  RAW_DATA,
  ...CUTOVER_FACTS,
];

/** All facts of both sides together, without the removal of the database. */
const WITHIN_MS = 60_000;
/** Errors that would keep a cluster from being probed at all. Of missing privileges and versions, each fact tells. */
const REFUSED: ReadonlySet<string> = new Set(['SHARDED_CLUSTER', 'STANDALONE_SERVER', 'VERSION_TOO_OLD']);

/** The result of a probe: how both servers behave where the engine relies on them. */
export interface ProbeReport {
  readonly source: Server;
  readonly destination: Server;
  readonly facts: readonly ProbedFact[];
  /** Facts that nothing shows of the source's version: only a scratch cluster of it would. */
  readonly needScratch: readonly string[];
}

/** How to probe two clusters. */
export interface ProbeOptions extends ClusterAddresses {
  /** Whether the destination is a scratch cluster, of which users' writes may be blocked for a moment. */
  readonly isScratch: boolean;
}

/**
 * Tries the server behaviour that the engine relies on: the source is only read, and on the destination a database of its own is made and
 * removed. Takes a minute at most, and the removal 20 s more.
 * @param signal  stops it; the database is removed all the same
 * @throws UserError of a cluster that can't be reached or probed, PROBE_DATABASE_TAKEN, PROBE_LEFT, DESTINATION_IN_USE, DESTINATION_PRIMARY
 */
export async function probeClusters(options: ProbeOptions, signal: AbortSignal): Promise<ProbeReport> {
  await using resources = new AsyncDisposableStack();
  const open = async (side: Side) => {
    const client = await connectCluster(options[side], side);
    resources.defer(() => client.close());
    const cluster = await describeCluster(client);
    const refusal = checkCluster(cluster, side, { acceptUntriedVersion: true }).find(({ error }) =>
      REFUSED.has(error.code),
    );
    if (refusal !== undefined) throw refusal.error;
    return { client, cluster };
  };
  const source = await open('source');
  const destination = await open('destination');
  if (source.cluster.clusterId !== '' && source.cluster.clusterId === destination.cluster.clusterId)
    throw new UserError('SAME_CLUSTER');
  const until = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]);
  const [from, to] = [source, destination].map(({ cluster }) => serverOf(cluster)) as [Server, Server];
  const [here, there] = [
    { side: 'SOURCE', server: from, until },
    { side: 'DESTINATION', server: to, until },
  ] as const;
  const facts = [
    ...(await readAll(here, source.client)),
    ...(await readAll(there, destination.client)),
    ...(await tryAll(there, destination.client, options.isScratch)),
  ];
  const seen = facts.find(({ name }) => name === RAW_DATA.name)?.seen;
  if (compareVersions(to.level, WITHOUT_BUCKETS) >= 0 && seen != null)
    await recordRawData({ client: destination.client, ...to }, seen === TAKES_BUCKETS);
  const isAlike = from.version === to.version && from.level === to.level;
  return { source: from, destination: to, facts, needScratch: isAlike ? [] : TRIALS.map(({ name }) => name) };
}

async function readAll(place: Place, client: MongoClient): Promise<ProbedFact[]> {
  const probed: ProbedFact[] = [];
  for (const fact of SERVER_FACTS) {
    const isHidden = fact.notOfRouters && isSharded(client);
    const look = () => fact.look(client, place.server);
    probed.push(isHidden ? unseen(place, fact, 'a router does not show it') : await judged(place, fact, look));
  }
  return probed;
}

async function tryAll(place: Place, client: MongoClient, isScratch: boolean): Promise<ProbedFact[]> {
  const facts = TRIALS.filter(({ stopsUsers }) => isScratch || !stopsUsers);
  if (place.until.aborted) return facts.map((fact) => unseen(place, fact, 'the probe was stopped'));
  const scratch = await begin(client);
  if (typeof scratch === 'string') return facts.map((fact) => unseen(place, fact, scratch));
  try {
    const probed: ProbedFact[] = [];
    for (const fact of facts) {
      await failpoint('engine.probe.fact');
      probed.push(await judged(place, fact, () => scratch.during(() => fact.attempt(scratch))));
    }
    return probed;
  } finally {
    await scratch.remove();
  }
}

/** @returns why the destination refuses the probe's writes, when it does */
async function begin(client: MongoClient): Promise<Scratch | string> {
  try {
    const taken = await new Ownership(client).whyNot({ migrationId: newId(), keeps: false, mayDrop: false });
    if (taken !== undefined) throw taken;
    return await Scratch.begin(client);
  } catch (error) {
    if (error instanceof UserError) throw error;
    return whyUnseen(error);
  }
}

function serverOf(cluster: ClusterDescription): Server {
  return { version: cluster.mongoDBVersion, level: levelOf(cluster) };
}
