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
/** Server error codes. */
export const USER_WRITES_BLOCKED = 371;
const DUPLICATE_KEY = 11_000;
const DOCUMENT_VALIDATION_FAILURE = 121;

export interface LedgerWriterOptions {
  /** Where to write: the source first, then the destination if there is one to continue with after the cutover. */
  readonly clients: readonly MongoClient[];
  /** Created if missing. Documents that exist already are updated and deleted too. */
  readonly namespaces: readonly string[];
  /** Random by default. Printed when the process fails. */
  readonly seed?: number;
  /** As fast as it goes by default. */
  readonly ratePerSecond?: number;
  readonly mix?: Mix;
}

export interface Ledger {
  readonly seed: number;
  /** Accepted operations of each kind. */
  readonly accepted: Readonly<Record<OperationKind, number>>;
  /** Documents written by accepted operations: a transaction writes several. */
  readonly documentsWritten: number;
  /** Refused by a unique index or a validator, lost in a conflict of transactions, or without effect as the document was gone. */
  readonly refused: number;
  /** Not known whether they took place: the connection broke. */
  readonly unknown: number;
  /** Cluster time of the last acknowledged write on the first cluster. */
  readonly lastAcknowledged: Timestamp | undefined;
  /** From the last insert that the source accepted to the first write that the destination accepted; `undefined` if none was. */
  readonly pauseMs: number | undefined;
  /** By namespace, the `_id` bytes of what was written on the destination (or may have been), for the comparer to leave out. */
  readonly writtenOnDestination: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface LedgerWriter extends AsyncDisposable {
  readonly seed: number;
  /** Settles when it has ended. Rejects with the seed when an operation met an error that no live migration may cause. */
  readonly finished: Promise<void>;
  /** How it stands at this moment. */
  snapshot(): Ledger;
  /** Lets the operations under way end, and ends. Rejects as `finished` does. */
  stop(): Promise<Ledger>;
}

/**
 * Writes to running clusters as applications do, several at a time, with majority, until stopped. An operation that one cluster refuses because
 * writes are blocked there is tried on the other, again and again, until one of them accepts it.
 */
export async function startLedgerWriter(options: LedgerWriterOptions): Promise<LedgerWriter> {
  const seed = options.seed ?? randomInt(2 ** 31);
  const report = (code: number) => {
    if (code !== 0) console.error(`seed of the ledger writer: ${seed}`);
  };
  process.once('exit', report);
  const writer = new Writer(options, seed, await readNamespaces(options, seed));
  const running = writer.run();
  // Somebody awaits it only when it is stopped; until then a failure must not be an unhandled rejection.
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
      // A failure is left to `stop`: thrown here it would hide what ended the scope.
      await stop().catch(() => undefined);
      process.off('exit', report);
    },
  };
}

/**
 * Each writer's own share of each namespace: writers that took documents from one pool would depend on each other's pace, and one seed would
 * not give the same operations twice.
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
    const chosen = random.sample(await existingIds(source, name), EXISTING_DOCUMENTS);
    shares.forEach((share, writer) => {
      const own = chosen.filter((_, index) => index % WRITERS === writer);
      share.push(new LedgerNamespace(name, own));
    });
  }
  return shares;
}

async function existingIds(source: MongoClient, name: string): Promise<DocumentId[]> {
  const collection = new LedgerNamespace(name, []).on(source);
  const database = source.db(collection.dbName);
  const exists = await database.listCollections({ name: collection.collectionName }).hasNext();
  if (!exists) await database.createCollection(collection.collectionName);
  const sorted = collection.find({}, { ...exactTypes, projection: { _id: 1 }, sort: { _id: 1 }, batchSize: 10_000 });
  return await sorted.map(({ _id }) => _id).toArray();
}

class Writer {
  readonly #clients: readonly MongoClient[];
  readonly #shares: readonly LedgerNamespace[][];
  readonly #seed: number;
  readonly #mix: Mix;
  readonly #intervalMs: number;
  readonly #accepted: Record<OperationKind, number> = { ...defaultMix };
  readonly #writtenOnDestination = new Map<string, Set<string>>();
  #nextSlotMs = performance.now();
  #stopped = false;
  #side = 0;
  #documentsWritten = 0;
  #refused = 0;
  #unknown = 0;
  #lastAcknowledged: Timestamp | undefined;
  #lastOnSourceMs: number | undefined;
  #firstOnDestinationMs: number | undefined;

  constructor(options: LedgerWriterOptions, seed: number, shares: readonly LedgerNamespace[][]) {
    this.#clients = options.clients;
    this.#shares = shares;
    this.#seed = seed;
    this.#mix = options.mix ?? defaultMix;
    this.#intervalMs = options.ratePerSecond ? 1_000 / options.ratePerSecond : 0;
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
    const handedOver = this.#firstOnDestinationMs !== undefined && this.#lastOnSourceMs !== undefined;
    return {
      seed: this.#seed,
      accepted: { ...this.#accepted },
      documentsWritten: this.#documentsWritten,
      refused: this.#refused,
      unknown: this.#unknown,
      lastAcknowledged: this.#lastAcknowledged,
      pauseMs: handedOver ? Number(this.#firstOnDestinationMs) - Number(this.#lastOnSourceMs) : undefined,
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

  /** The rate is kept over all writers; time that was lost while writes were refused is not made up for. */
  async #pace(): Promise<void> {
    const now = performance.now();
    const slot = Math.max(this.#nextSlotMs, now - 100);
    this.#nextSlotMs = slot + this.#intervalMs;
    if (slot > now) await delay(slot - now);
  }

  /** Tries one cluster after the other until one accepts the operation, or its outcome is known to be another, or the writer is stopped. */
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
    if (side === 0) {
      // A write block lets others through that find nothing to change.
      if (operation.kind === 'insert') this.#lastOnSourceMs = performance.now();
      const at = session.operationTime;
      if (at && (!this.#lastAcknowledged || at.greaterThan(this.#lastAcknowledged))) this.#lastAcknowledged = at;
    } else {
      this.#firstOnDestinationMs ??= performance.now();
      this.#noteOnDestination(operation);
    }
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

/** What the driver says of a member that left the set, or got another name, while something was to be sent to it; it exports no classes for them. */
const OF_FORMER_MEMBERS = new Set(['MongoPoolClosedError', 'MongoServerClosedError']);

/** Broken connections, changes of primaries, and a majority that does not acknowledge in time, after the driver's own retry. */
function mayHaveHappened(error: unknown): boolean {
  return (
    error instanceof MongoNetworkError ||
    error instanceof MongoServerSelectionError ||
    error instanceof MongoWriteConcernError ||
    (error instanceof Error && OF_FORMER_MEMBERS.has(error.name)) ||
    (error instanceof MongoError && (error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('ResetPool')))
  );
}
