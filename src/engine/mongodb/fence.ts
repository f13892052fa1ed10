import { createHash } from 'node:crypto';
import { type Binary, type Document, type MongoClient, MongoServerError, type Timestamp, type UUID } from 'mongodb';
import { type Clock, failpoint, UserError } from '../../platform/index.ts';
import { isBefore, operationTimeOf } from './cluster-time.ts';
import { FixedSession } from './fixed-session.ts';
import { keptNumbers } from './kept-numbers.ts';
import { INTERNAL_DATABASE } from './namespaces.ts';
import { asRawData } from './raw-data.ts';
import { REPLY_OPTIONS } from './reply-options.ts';
import type { Retrier } from './retry.ts';
import { historyOf } from './seen-history.ts';

/**
 * As many as there are concurrent writes at the highest load: 8 ranges of 3 batches, and 8 lanes with inserts beside
 * replaces. More writes wait.
 */
const SESSIONS = 40;

/**
 * Servers forget a session after 30 minutes without use. An engine without an answer for this long first checks that it
 * still owns the migration.
 */
const ASK_AFTER_MS = 10 * 60_000;

const TRANSACTION_TOO_OLD = 225;
const MAJORITY = { w: 'majority', j: true };

/** The read concern of a read that sees every write acknowledged up to a time. */
export interface CausalRead {
  readonly level: 'majority';
  readonly afterClusterTime?: Timestamp;
}

/**
 * The destination lacks writes that it has acknowledged. It was restored from an older backup, with the records of the
 * migration in it, or its disks lost writes. This run must end before it records a later position there.
 */
export class DestinationWentBack extends Error {
  constructor() {
    super('The destination was restored from an older backup, or has lost what it had acknowledged');
  }
}

/**
 * Lets at most one engine write to a migration's destination. A check in the process can't stop a write that is already
 * under way, so the server does. All engines of a migration write in the same logical sessions, under numbers that
 * begin with their term. The first act of an engine is a write in each session; from then on the server refuses the
 * numbers of earlier terms (docs/adr/0006-fence.md).
 */
export class Fence {
  readonly client: MongoClient;
  readonly migrationId: string;
  readonly #clock: Clock;
  readonly #lost = new AbortController();
  #term = 0;
  #sessions: readonly FixedSession[] = [];
  /**
   * First in, first out: every session is used every few minutes, by checkpoints alone if need be, so the server
   * forgets none.
   */
  readonly #idle: FixedSession[] = [];
  /** Sessions whose last command may still be under way. */
  readonly #unsettled = new Set<FixedSession>();
  /** Resolves when a session came back, to `#idle` or to `#unsettled`. */
  #cameBack = Promise.withResolvers<void>();
  #settling: Promise<void> | undefined;
  /**
   * The time of the last answer. The record of a first term is written after the fence was made, and no other client has used its sessions.
   */
  #answered: { readonly atMs: number; readonly elapsedMs: number };
  /** The destination's time of the latest acknowledged write. */
  #written: Timestamp | undefined;
  /** The last primary that was found to have all acknowledged writes, as its history counts them. */
  #confirmedPrimary = 0;
  #confirming: Promise<void> | undefined;
  /** Settles when the latest confirmation before a catalog change has ended. */
  #confirmation: Promise<void> = Promise.resolve();
  /** The confirmation that begins then. */
  #nextConfirmation: Promise<void> | undefined;

  constructor(client: MongoClient, migrationId: string, clock: Clock) {
    this.client = client;
    this.migrationId = migrationId;
    this.#clock = clock;
    this.#answered = { atMs: clock.now(), elapsedMs: clock.elapsed() };
  }

  /**
   * Aborts with TAKEN_OVER once this engine learns that another one has taken the migration, and with DestinationWentBack
   * once it learns that the destination has lost acknowledged writes.
   */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** The ids of its sessions, which all engines of the migration share. The oplog notes them with each write. */
  get sessionIds(): readonly Binary[] {
    return this.#sessions.map(({ id }) => id);
  }

  /**
   * The read concern for every read of data that the migration has written. Without a time, a newly elected member may
   * answer from an older state that lacks acknowledged writes (docs/adr/0017-own-records.md). An engine that hasn't
   * raised the term has written nothing, and has no time.
   */
  get afterOwnWrites(): CausalRead {
    return { level: 'majority', ...(this.#written && { afterClusterTime: this.#written }) };
  }

  /**
   * Shuts out the engines of earlier terms: once this resolves, the server refuses everything they send. Before the
   * first term, no engine has sent anything in the sessions.
   * @throws UserError TAKEN_OVER
   */
  async raise(term: number, sessions: UUID, retrier: Retrier): Promise<void> {
    this.#term = term;
    this.#confirmedPrimary = historyOf(this.client).primaries;
    const all = Array.from({ length: SESSIONS }, (_, n) => {
      const id = createHash('sha256').update(`${sessions.toHexString()} ${n}`).digest().subarray(0, 16);
      // rule: term-in-write-numbers
      return new FixedSession(this.client, id, BigInt(term) << 32n);
    });
    this.#sessions = all;
    const used = term === 1 ? [] : all;
    // rule: fence-each-session
    await Promise.all(used.map((session) => retrier.run('the destination', () => this.#mark(session))));
    await failpoint('engine.fence.raised');
    this.#idle.push(...all);
  }

  /**
   * Sends one insert, update or delete command. The server refuses it when another engine has taken the migration. Each
   * statement must concern one document.
   * @throws UserError TAKEN_OVER
   */
  async write(database: string, command: Document): Promise<Document> {
    return await this.#inSession(async (session) => {
      await reachWrite(command);
      return await this.#send(() => session.send(database, asRawData(this.client, command)), session);
    });
  }

  /**
   * Sends such commands as one transaction: a server does far less work for a statement in a transaction than for one
   * with a record of its own.
   * @returns the reply to each command; undefined when the server refused the transaction. Then the commands may or may
   * not be done, and the caller sends each on its own
   * @throws UserError TAKEN_OVER
   */
  async writeTogether(database: string, commands: readonly Document[]): Promise<readonly Document[] | undefined> {
    return await this.#inSession(async (session) => {
      for (const command of commands) await reachWrite(command);
      const beforeCommit = () => failpoint('engine.write.commit');
      try {
        return await this.#send(() => session.sendTogether(database, commands, beforeCommit), session);
      } catch (error) {
        if (error instanceof MongoServerError) return undefined;
        throw error;
      }
    });
  }

  /**
   * Sends a command that can't be numbered, such as a change of the catalog, if this engine still owns the migration.
   * The write concern is explicit: the driver doesn't add the client's to such a command, and the server's default may
   * be weaker.
   * @param recorded  a write through the fence that must be done before, beside the confirmation
   * @throws UserError TAKEN_OVER
   */
  async change(database: string, command: Document, recorded?: Promise<void>): Promise<Document> {
    // rule: confirm-before-change
    await Promise.all([this.#confirmTogether(), recorded]);
    await failpoint(`engine.change.${Object.keys(command)[0]}`);
    await this.#confirmWrites();
    // rule: catalog-changes-by-majority
    const reply = await this.client.db(database).command({ ...command, writeConcern: MAJORITY }, REPLY_OPTIONS);
    if (reply.operationTime !== undefined) this.#noteTime(reply.operationTime);
    return reply;
  }

  /**
   * Confirms that this engine owns the migration. It writes, because only the primary can have a write acknowledged; a
   * read may return a state from before the successor's takeover.
   * @throws UserError TAKEN_OVER when another engine owns it
   */
  async confirm(): Promise<void> {
    // rule: confirm-by-write
    await this.#inSession((session) => this.#mark(session));
  }

  /** Confirms as {@link confirm} does, by one write for all callers that ask while another one is under way. */
  async #confirmTogether(): Promise<void> {
    this.#nextConfirmation ??= this.#confirmation.then(() => {
      // rule: confirmation-after-request
      this.#nextConfirmation = undefined;
      const confirmed = this.confirm();
      this.#confirmation = confirmed.catch(() => undefined);
      return confirmed;
    });
    await this.#nextConfirmation;
  }

  /**
   * Ends all work of this engine, because another one has the migration.
   * @throws UserError TAKEN_OVER, always
   */
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

  /**
   * The larger value of two clocks: the wall clock can be set back, and the other stands still while the host is
   * suspended.
   */
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
   * Settles commands whose answers were lost. Such a command may still run after its retry, and after later states of
   * the same documents. A write with a higher number in its session makes the server finish or refuse it.
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

  /**
   * Confirms that the current primary has all writes that were acknowledged. There must be no `await` between this and the
   * sending of a command: without a known primary, the driver would keep the command for the next one.
   * @throws DestinationWentBack
   */
  async #confirmWrites(): Promise<void> {
    while (this.#confirmedPrimary !== historyOf(this.client).primaries) {
      this.#confirming ??= this.#compareNumbers().finally(() => {
        this.#confirming = undefined;
      });
      await this.#confirming;
    }
  }

  /**
   * A server keeps the number of each session's last write with the data, so one that was restored from an older backup has
   * lower ones. Without the privilege to read them (`clusterMonitor` has it), that stays unnoticed.
   */
  async #compareNumbers(): Promise<void> {
    const { primaries } = historyOf(this.client);
    const kept = await keptNumbers(this.client, this.sessionIds);
    if (this.#sessions.some(({ id, kept: number }) => (kept.get(id.toString('hex')) ?? number) < number)) {
      this.#lost.abort(new DestinationWentBack());
      throw this.signal.reason;
    }
    this.#confirmedPrimary = primaries;
  }

  /** Changes something each time: a server keeps no number of a write that changes nothing. */
  async #mark(session: FixedSession): Promise<void> {
    const updates = [{ q: this.#own, u: { $inc: { marks: 1 } } }];
    const command = { update: 'migrations', updates, writeConcern: MAJORITY };
    const reply = await this.#send(() => session.send(INTERNAL_DATABASE, command), session);
    await failpoint('engine.fence.marked');
    if (reply.writeErrors) throw new MongoServerError(reply.writeErrors[0]);
    if (reply.n === 0) this.lose();
    this.#unsettled.delete(session);
  }

  async #send<R>(sending: () => Promise<R>, session: FixedSession): Promise<R> {
    await this.#confirmWrites();
    try {
      const reply = await sending();
      // A write without a time might be invisible to the reads that follow it, so the engine sends it again.
      this.#noteTime(operationTimeOf(session, 'destination'));
      this.#noteAnswer();
      return reply;
    } catch (error) {
      // rule: settle-unanswered-write
      if (!(error instanceof MongoServerError)) this.#unsettled.add(session);
      else if (error.code === TRANSACTION_TOO_OLD) this.lose();
      throw error;
    }
  }
}

async function reachWrite(command: Document): Promise<void> {
  const [kind, collection] = Object.entries(command)[0] ?? [];
  await failpoint(`engine.write.${kind}.${collection}`);
}
