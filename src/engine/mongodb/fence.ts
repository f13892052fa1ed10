import { createHash } from 'node:crypto';
import { type Document, type MongoClient, MongoServerError, type Timestamp, type UUID } from 'mongodb';
import { type Clock, reach, UserError } from '../../platform/index.ts';
import { isBefore, operationTimeOf } from './cluster-time.ts';
import { FixedSession } from './fixed-session.ts';
import { INTERNAL_DATABASE } from './namespaces.ts';
import type { Retrier } from './retry.ts';

/** As many as there are writes under way at the highest load: 8 ranges of 3 batches, 8 lanes with inserts beside replaces. More wait. */
const SESSIONS = 40;

/** Servers forget a session that nobody uses for 30 minutes. An engine that had no answer for so long asks first whether the migration is still its own. */
const ASK_AFTER_MS = 10 * 60_000;

const TRANSACTION_TOO_OLD = 225;
const MAJORITY = { w: 'majority', j: true };

/** The read concern of a read that sees every write acknowledged until a time. */
export interface CausalRead {
  readonly level: 'majority';
  readonly afterClusterTime?: Timestamp;
}

/**
 * Lets no more than one engine write a migration's destination. A check in the process stops nothing that is already on its way, so the
 * server does: all engines of a migration write in the same logical sessions, under numbers that begin with their term. The first act of
 * an engine is a write in each; from then on the server refuses the numbers of earlier terms (docs/adr/0006-fence.md).
 */
export class Fence {
  readonly client: MongoClient;
  readonly migrationId: string;
  readonly #clock: Clock;
  readonly #lost = new AbortController();
  #term = 0;
  /** First in, first out: so each is used every few minutes, if only for checkpoints, and none is forgotten by the server. */
  readonly #idle: FixedSession[] = [];
  /** Those whose last command may still be on its way. */
  readonly #unsettled = new Set<FixedSession>();
  /** Resolves when one came back, to either of them. */
  #cameBack = Promise.withResolvers<void>();
  #settling: Promise<void> | undefined;
  #answered = { atMs: 0, elapsedMs: 0 };
  /** The destination's time of the latest write that it has acknowledged. */
  #written: Timestamp | undefined;

  constructor(client: MongoClient, migrationId: string, clock: Clock) {
    this.client = client;
    this.migrationId = migrationId;
    this.#clock = clock;
  }

  /** Aborts with TAKEN_OVER once another engine is known to have taken the migration. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * The read concern for every read of what a migration has written. Without a time, a member that was elected a moment ago may answer from an
   * older state, in which acknowledged writes are missing (docs/adr/0017-own-records.md). An engine that has not raised the term has written nothing, and has no time.
   */
  get afterOwnWrites(): CausalRead {
    return { level: 'majority', ...(this.#written && { afterClusterTime: this.#written }) };
  }

  /** Shuts out the engines of earlier terms: when it resolves, nothing that they send is written any more. @throws UserError TAKEN_OVER */
  async raise(term: number, sessions: UUID, retrier: Retrier): Promise<void> {
    this.#term = term;
    const all = Array.from({ length: SESSIONS }, (_, n) => {
      const id = createHash('sha256').update(`${sessions.toHexString()} ${n}`).digest().subarray(0, 16);
      return new FixedSession(this.client, id, BigInt(term) << 32n);
    });
    await Promise.all(all.map((session) => retrier.run('the destination', () => this.#mark(session))));
    await reach('engine.fence.raised');
    this.#idle.push(...all);
  }

  /**
   * Sends one insert, update or delete command that the server refuses when another engine has taken the migration meanwhile. Statements
   * are for one document each.
   * @throws UserError TAKEN_OVER
   */
  async write(database: string, command: Document): Promise<Document> {
    return await this.#inSession(async (session) => {
      await reachWrite(command);
      return await this.#send(() => session.send(database, command), session);
    });
  }

  /**
   * Sends such commands as one transaction: a server has far less to do for a statement in one than for one with a record of its own.
   * @returns what it said of each; undefined when it would not have them together. Then they may be done or not, and each has to go on its own
   * @throws UserError TAKEN_OVER
   */
  async writeTogether(database: string, commands: readonly Document[]): Promise<readonly Document[] | undefined> {
    return await this.#inSession(async (session) => {
      for (const command of commands) await reachWrite(command);
      const beforeCommit = () => reach('engine.write.commit');
      try {
        return await this.#send(() => session.sendTogether(database, commands, beforeCommit), session);
      } catch (error) {
        if (error instanceof MongoServerError) return undefined;
        throw error;
      }
    });
  }

  /**
   * Sends a command that the server can't number, such as any change of a catalog, if the migration is still this engine's. The driver gives
   * such a command no write concern of the client's, and the server's default may be less.
   * @throws UserError TAKEN_OVER
   */
  async change(database: string, command: Document): Promise<Document> {
    await this.confirm();
    await reach(`engine.change.${Object.keys(command)[0]}`);
    const reply = await this.client.db(database).command({ ...command, writeConcern: MAJORITY });
    if (reply.operationTime !== undefined) this.#noteTime(reply.operationTime);
    return reply;
  }

  /**
   * Makes sure that the migration is this engine's. By a write: only the primary can have it acknowledged, while a read may be answered from a
   * state that is older than the successor's taking.
   * @throws UserError TAKEN_OVER when it is not any more
   */
  async confirm(): Promise<void> {
    await this.#inSession((session) => this.#mark(session));
  }

  /** Ends all work of this engine: another one has the migration. @throws UserError TAKEN_OVER, always */
  lose(): never {
    this.#lost.abort(new UserError('TAKEN_OVER', [this.migrationId]));
    throw this.signal.reason;
  }

  #noteTime(time: Timestamp): void {
    if (this.#written === undefined || isBefore(this.#written, time)) this.#written = time;
  }

  #noteAnswer(): void {
    this.#answered = { atMs: this.#clock.now(), elapsedMs: this.#clock.elapsed() };
  }

  /** By whichever clock says more: one can be set back, the other stands still while the host is suspended. */
  get #silentMs(): number {
    const { atMs, elapsedMs } = this.#answered;
    return Math.max(this.#clock.now() - atMs, this.#clock.elapsed() - elapsedMs);
  }

  get #own() {
    return { _id: this.migrationId, term: this.#term };
  }

  async #inSession<R>(use: (session: FixedSession) => Promise<R>): Promise<R> {
    const session = await this.#take();
    try {
      if (this.#silentMs > ASK_AFTER_MS) await this.#mark(session);
      return await use(session);
    } finally {
      this.#giveBack(session);
    }
  }

  async #take(): Promise<FixedSession> {
    while (true) {
      this.signal.throwIfAborted();
      if (this.#unsettled.size > 0) await this.#settle();
      const session = this.#idle.shift();
      if (session !== undefined) return session;
      await this.#cameBack.promise;
    }
  }

  #giveBack(session: FixedSession): void {
    if (!this.#unsettled.has(session)) this.#idle.push(session);
    this.#cameBack.resolve();
    this.#cameBack = Promise.withResolvers();
  }

  /**
   * A command whose answer was lost may be carried out after its repetition, and after later states of the same documents. A higher number
   * in its session makes the server have done with it, or refuse it.
   */
  async #settle(): Promise<void> {
    this.#settling ??= this.#markUnsettled().finally(() => {
      this.#settling = undefined;
    });
    await this.#settling;
  }

  async #markUnsettled(): Promise<void> {
    for (const session of this.#unsettled) {
      await this.#mark(session);
      this.#giveBack(session);
    }
  }

  /** A write that changes something each time: a server keeps no number of one that does not. */
  async #mark(session: FixedSession): Promise<void> {
    const updates = [{ q: this.#own, u: { $inc: { marks: 1 } } }];
    const command = { update: 'migrations', updates, writeConcern: MAJORITY };
    const reply = await this.#send(() => session.send(INTERNAL_DATABASE, command), session);
    await reach('engine.fence.marked');
    if (reply.writeErrors) throw new MongoServerError(reply.writeErrors[0]);
    if (reply.n === 0) this.lose();
    this.#unsettled.delete(session);
  }

  async #send<R>(sending: () => Promise<R>, session: FixedSession): Promise<R> {
    try {
      const reply = await sending();
      // A write without a time would not be seen for sure by the reads that follow it: it is sent again.
      this.#noteTime(operationTimeOf(session, 'destination'));
      this.#noteAnswer();
      return reply;
    } catch (error) {
      if (!(error instanceof MongoServerError)) this.#unsettled.add(session);
      else if (error.code === TRANSACTION_TOO_OLD) this.lose();
      throw error;
    }
  }
}

async function reachWrite(command: Document): Promise<void> {
  const [kind, collection] = Object.entries(command)[0] ?? [];
  await reach(`engine.write.${kind}.${collection}`);
}
