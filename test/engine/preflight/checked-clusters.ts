import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Finding } from '../../../src/contract/index.ts';
import { type MigrationOptions, preflight } from '../../../src/engine/index.ts';
import type { PreflightSettings } from '../../../src/engine/preflight/preflight.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { LEAST_ROLES } from '../../support/least-privilege.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';

/** A host with an idle processor. */
export const CALM = { loadPerProcessor: () => 0 };

/** The code of the finding that the test's own administrator of the source causes in every check. */
export const ALWAYS = 'USERS_BYPASS_BLOCK';

type Changes = { source?: string; destination?: string } & Partial<Omit<MigrationOptions, 'source' | 'destination'>>;
/** A code, and a pattern that the finding's message matches. */
export type Expected = readonly [code: string, message: RegExp];

/** Options of a check that differ from a check without findings, and what it finds. */
export type Case = readonly [what: string, changes: () => Changes, expected: readonly Expected[]];

/**
 * Two clusters with authentication for the tests of one `describe`. The source has `shop.orders` with a document and the time series
 * `shop.series`; user `reader` may read the source and no more.
 */
export class CheckedClusters {
  #pair: ReplicaSetPair | undefined;

  /** Starts both clusters before the first test, and stops them after the last one. */
  static forTests(): CheckedClusters {
    const clusters = new CheckedClusters();
    before(() => clusters.#start());
    after(() => clusters.#started[Symbol.asyncDispose]());
    checkForLeaks({ sockets: false });
    return clusters;
  }

  get source(): ReplicaSet {
    return this.#started.source;
  }

  get destination(): ReplicaSet {
    return this.#started.destination;
  }

  /** The connection strings of users with the least privileges that a migration needs. */
  get uris(): { source: string; destination: string } {
    const { source, destination } = this;
    return { source: source.uriFor('mover', 'secret'), destination: destination.uriFor('mover', 'secret') };
  }

  /** The findings of a check of both clusters, with the given changes to its options. */
  async check(changes: Changes = {}, settings: PreflightSettings = {}): Promise<readonly Finding[]> {
    const { source, destination } = { ...this.uris, ...changes };
    const options = { migrationId: newId(), dropDestination: false, logger: silentLogger, ...changes };
    return await preflight(
      { ...options, source: { uri: source }, destination: { uri: destination } },
      { host: CALM, ...settings },
    );
  }

  get #started(): ReplicaSetPair {
    if (this.#pair === undefined) throw new Error('the clusters start before the first test');
    return this.#pair;
  }

  async #start(): Promise<void> {
    const pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    this.#pair = pair;
    await pair.source.createUser('mover', 'secret', LEAST_ROLES.source);
    await pair.destination.createUser('mover', 'secret', LEAST_ROLES.destination);
    for (const set of [pair.source, pair.destination])
      await set.createUser('reader', 'secret', LEAST_ROLES.source.slice(1));
    await pair.source.client.db('shop').collection('orders').insertOne({ n: 1 });
    await pair.source.client.db('shop').createCollection('series', { timeseries: { timeField: 'at' } });
  }
}

/** Fails unless the findings are the expected ones, `ALWAYS`, and those of the servers' versions, in any order. */
export function expectFindings(findings: readonly Finding[], expected: readonly Expected[]): void {
  const others = findings.filter(({ code }) => code !== ALWAYS && code !== 'RECOVERY_MAY_FAIL');
  assert.deepEqual(others.map(({ code }) => code).sort(), expected.map(([code]) => code).sort(), show(findings));
  for (const [code, message] of expected) {
    assert.ok(
      others.some((one) => one.code === code && message.test(one.message)),
      `${code} ${message}\n${show(findings)}`,
    );
  }
}

/** Sets or lifts a write block. */
export async function blockWrites(set: ReplicaSet, global: boolean): Promise<void> {
  await set.client.db('admin').command({ setUserWriteBlockMode: 1, global });
}

/** A connection string of a port on which no server listens. */
export function nobody(): string {
  return 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300';
}

function show(findings: readonly Finding[]): string {
  return findings.map(({ severity, code, message }) => `${severity} ${code}: ${message}`).join('\n');
}
