import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ClientSession,
  type MongoClient,
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  MongoWriteConcernError,
  type Timestamp,
} from 'mongodb';
import { eventually } from './eventually.ts';
import {
  type DocumentId,
  defaultMix,
  LedgerNamespace,
  type Mix,
  nextOperation,
  type Operation,
  type OperationKind,
  WithoutEffect,
} from './ledger-operations.ts';
import { exactTypes } from './raw-document.ts';
import { SeededRandom } from './seeded-random.ts';

const WRITERS = 24;
const EXISTING_DOCUMENTS = 5_000;
const REFUSED_RETRY_MS = 2;
const REST_MS = 100;
/** Server error codes. */
export const USER_WRITES_BLOCKED = 371;
const DUPLICATE_KEY = 11_000;
const DOCUMENT_VALIDATION_FAILURE = 121;
/** A router's, for a shard that has closed the connection. */
const HOST_UNREACHABLE = 6;
/** Errors of a member that is no primary any more. The tests' router passes them on without the label that drivers retry for. */
const NOT_PRIMARY = [189, 10107, 11600, 11602, 13435, 13436];
/** The collection was dropped or renamed onto while the command ran. */
const QUERY_PLAN_KILLED = 175;

export interface LedgerWriterOptions {
  /** The source, and optionally the destination, on which the writer continues after the cutover. */
  readonly clients: readonly MongoClient[];
  /** Created if missing. The writer also updates and deletes documents that already exist. */
  readonly namespaces: readonly string[];
  /** Random by default. Printed when the process fails. */
  readonly seed?: number;
  /** Unlimited by default. */
  readonly ratePerSecond?: number;
  /** Whether nothing may be written at the moment. */
  readonly rests?: () => boolean;
  readonly mix?: Mix;
}

export interface Ledger {
  readonly seed: number;
  /** Number of accepted operations of each kind. */
  readonly accepted: Readonly<Record<OperationKind, number>>;
  /** Number of documents written by accepted operations; a transaction writes several. */
  readonly documentsWritten: number;
  /** Operations that a unique index or validator refused, that lost a transaction conflict, or whose document was missing. */
  readonly refused: number;
  /** Operations with an unknown outcome, because the connection broke. */
  readonly unknown: number;
  /** Cluster time of the last acknowledged write on the first cluster. */
  readonly lastAcknowledged: Timestamp | undefined;
  /** For each change of sides, the time from the last insert that one accepted to the first that the other did. */
  readonly pausesMs: readonly number[];
  /** By namespace, the `_id` bytes of documents that were, or may have been, written on the destination. The comparer ignores them. */
  readonly writtenOnDestination: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface LedgerWriter extends AsyncDisposable {
  readonly seed: number;
  /** Settles when the writer has ended. Rejects with the seed when an operation got an error that no live migration may cause. */
  readonly finished: Promise<void>;
  /** Returns the current counts. */
  snapshot(): Ledger;
  /** Stops after the running operations. Rejects like `finished`. */
  stop(): Promise<Ledger>;
}

/**
 * Writes to running clusters like applications, several operations at a time and with majority, until stopped. An operation that one cluster
 * refuses because of a write block is retried on both clusters in turn until one of them accepts it.
 */
export async function startLedgerWriter(options: LedgerWriterOptions): Promise<LedgerWriter> {
  const seed = options.seed ?? randomInt(2 ** 31);
  const report = (code: number) => {
    if (code !== 0) console.error(`seed of the ledger writer: ${seed}`);
  };
  process.once('exit', report);
  const writer = new Writer(options, seed, await readNamespaces(options, seed));
  const running = writer.run();
  // The test awaits it only in `stop`. Until then a failure must not be an unhandled rejection.
  running.catch(() => undefined);
  const stop = async () => {
    writer.stop();
    await running;
    return writer.snapshot();
  };
  return {
    seed,
    finished: running,
    snapshot: () => writer.snapshot(),
    stop,
    [Symbol.asyncDispose]: async () => {
      // `stop` reports a failure. An exception here would hide the one that ended the scope.
      await stop().catch(() => undefined);
      process.off('exit', report);
    },
  };
}

/**
 * Divides each namespace among the writers. With a shared pool, writers would depend on each other's speed, and a seed would not repeat
 * the same operations.
 */
async function readNamespaces(
  { clients, namespaces }: LedgerWriterOptions,
  seed: number,
): Promise<LedgerNamespace[][]> {
  const [source] = clients;
  if (!source) throw new Error('a ledger writer needs a cluster');
  const random = new SeededRandom(seed);
  const shares: LedgerNamespace[][] = Array.from({ length: WRITERS }, () => []);
  for (const name of namespaces) {
    const chosen = await someIds(source, name, random);
    shares.forEach((share, writer) => {
      const own = chosen.filter((_, index) => index % WRITERS === writer);
      share.push(new LedgerNamespace(name, own));
    });
  }
  return shares;
}

/** Chooses at most `EXISTING_DOCUMENTS` ids at random. Keeps no other ids in memory, as a collection may have many millions. */
async function someIds(source: MongoClient, name: string, random: SeededRandom): Promise<DocumentId[]> {
  const collection = new LedgerNamespace(name, []).on(source);
  const database = source.db(collection.dbName);
  const createMissing = async () => {
    const exists = await database.listCollections({ name: collection.collectionName }).hasNext();
    return exists || (await database.createCollection(collection.collectionName));
  };
  // An election may interrupt it.
  await eventually(createMissing, { what: `the collection ${name}` });
  const sorted = collection.find({}, { ...exactTypes, projection: { _id: 1 }, sort: { _id: 1 }, batchSize: 10_000 });
  const chosen: DocumentId[] = [];
  let seen = 0;
  for await (const { _id } of sorted) {
    seen += 1;
    const place = chosen.length < EXISTING_DOCUMENTS ? chosen.length : random.integer(seen);
    if (place < EXISTING_DOCUMENTS) chosen[place] = _id;
  }
  return chosen;
}

class Writer {
  readonly #clients: readonly MongoClient[];
  readonly #shares: readonly LedgerNamespace[][];
  readonly #seed: number;
  readonly #mix: Mix;
  readonly #intervalMs: number;
  readonly #rests: () => boolean;
  readonly #accepted: Record<OperationKind, number> = { ...defaultMix };
  readonly #writtenOnDestination = new Map<string, Set<string>>();
  #nextSlotMs = performance.now();
  #stopped = false;
  #side = 0;
  #documentsWritten = 0;
  #refused = 0;
  #unknown = 0;
  #lastAcknowledged: Timestamp | undefined;
  #lastInsert: { readonly side: number; readonly atMs: number } | undefined;
  readonly #pausesMs: number[] = [];

  constructor(options: LedgerWriterOptions, seed: number, shares: readonly LedgerNamespace[][]) {
    this.#clients = options.clients;
    this.#shares = shares;
    this.#seed = seed;
    this.#mix = options.mix ?? defaultMix;
    this.#intervalMs = options.ratePerSecond ? 1_000 / options.ratePerSecond : 0;
    this.#rests = options.rests ?? (() => false);
    for (const kind of Object.keys(this.#accepted) as OperationKind[]) this.#accepted[kind] = 0;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    try {
      await Promise.all(this.#shares.map((share, index) => this.#writeOn(share, new SeededRandom(this.#seed + index))));
    } catch (error) {
      this.#stopped = true;
      throw new Error(`the ledger writer failed; its seed is ${this.#seed}`, { cause: error });
    }
  }

  snapshot(): Ledger {
    return {
      seed: this.#seed,
      accepted: { ...this.#accepted },
      documentsWritten: this.#documentsWritten,
      refused: this.#refused,
      unknown: this.#unknown,
      lastAcknowledged: this.#lastAcknowledged,
      pausesMs: [...this.#pausesMs],
      writtenOnDestination: this.#writtenOnDestination,
    };
  }

  async #writeOn(namespaces: readonly LedgerNamespace[], random: SeededRandom): Promise<void> {
    const sessions = this.#clients.map((client) => client.startSession());
    try {
      while (!this.#stopped) {
        await this.#pace();
        await this.#settle(nextOperation(random, namespaces, this.#mix), sessions);
      }
    } finally {
      await Promise.all(sessions.map((session) => session.endSession()));
    }
  }

  /** Keeps the rate across all writers. It does not catch up for the time in which writes were refused. */
  async #pace(): Promise<void> {
    while (this.#rests() && !this.#stopped) await delay(REST_MS);
    const now = performance.now();
    const slot = Math.max(this.#nextSlotMs, now - 100);
    this.#nextSlotMs = slot + this.#intervalMs;
    if (slot > now) await delay(slot - now);
  }

  /** Tries the clusters in turn until one accepts the operation, it fails for another reason, or the writer is stopped. */
  async #settle(operation: Operation, sessions: readonly ClientSession[]): Promise<void> {
    for (let side = this.#side; !this.#stopped; side = (side + 1) % this.#clients.length) {
      const [client, session] = [this.#clients[side], sessions[side]];
      if (!client || !session) throw new Error('a client is missing');
      try {
        await operation.run(client, session);
        this.#noteAccepted(operation, side, session);
        return;
      } catch (error) {
        const notThereYet = error instanceof WithoutEffect && side !== this.#side;
        if (isCode(error, USER_WRITES_BLOCKED) || notThereYet) {
          await delay(REFUSED_RETRY_MS);
          continue;
        }
        this.#noteNotAccepted(operation, side, error);
        return;
      }
    }
  }

  #noteAccepted(operation: Operation, side: number, session: ClientSession): void {
    operation.accepted();
    this.#accepted[operation.kind]++;
    this.#documentsWritten += operation.touches.length;
    this.#side = side;
    // A write block accepts operations that change nothing.
    if (operation.kind === 'insert') this.#noteInsert(side);
    if (side === 0) {
      const at = session.operationTime;
      if (at && (!this.#lastAcknowledged || at.greaterThan(this.#lastAcknowledged))) this.#lastAcknowledged = at;
    } else {
      this.#noteOnDestination(operation);
    }
  }

  #noteInsert(side: number): void {
    const atMs = performance.now();
    if (this.#lastInsert !== undefined && this.#lastInsert.side !== side)
      this.#pausesMs.push(atMs - this.#lastInsert.atMs);
    this.#lastInsert = { side, atMs };
  }

  #noteNotAccepted(operation: Operation, side: number, error: unknown): void {
    const transient = error instanceof MongoError && error.hasErrorLabel('TransientTransactionError');
    if (
      transient ||
      error instanceof WithoutEffect ||
      isCode(error, DUPLICATE_KEY) ||
      isCode(error, DOCUMENT_VALIDATION_FAILURE)
    ) {
      this.#refused++;
    } else if (mayHaveHappened(error)) {
      this.#unknown++;
      if (side > 0) this.#noteOnDestination(operation);
    } else {
      throw error;
    }
  }

  #noteOnDestination(operation: Operation): void {
    for (const [namespace, id] of operation.touches) {
      const ids = this.#writtenOnDestination.get(namespace) ?? new Set();
      this.#writtenOnDestination.set(namespace, ids.add(id));
    }
  }
}

function isCode(error: unknown, code: number): boolean {
  return error instanceof MongoServerError && error.code === code;
}

/** Names of the driver's errors about a member that left the set or was renamed. The driver does not export their classes. */
const OF_FORMER_MEMBERS = new Set(['MongoPoolClosedError', 'MongoServerClosedError']);

/**
 * Whether the error is a broken connection, an election, or a majority that does not acknowledge in time, after the driver's own retry, or
 * another client dropped the collection meanwhile.
 */
function mayHaveHappened(error: unknown): boolean {
  return (
    isCode(error, QUERY_PLAN_KILLED) ||
    isCode(error, HOST_UNREACHABLE) ||
    NOT_PRIMARY.some((code) => isCode(error, code)) ||
    error instanceof MongoNetworkError ||
    error instanceof MongoServerSelectionError ||
    error instanceof MongoWriteConcernError ||
    (error instanceof Error && OF_FORMER_MEMBERS.has(error.name)) ||
    (error instanceof MongoError && (error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('ResetPool')))
  );
}
