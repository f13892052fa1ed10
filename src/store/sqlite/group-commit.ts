import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { StoreTransaction } from '../../control/index.ts';
import { failpoint, type UserError } from '../../platform/index.ts';
import { storageFailure } from './storage-failure.ts';

/** Maximum number of writes per commit. More would make the first one wait too long, and gain little. */
const GROUP_LIMIT = 64;

interface Write {
  /** Runs inside the open transaction. @returns a function to call when the transaction is durable */
  readonly run: (operations: StoreTransaction) => Promise<() => void>;
  readonly fail: (error: unknown) => void;
}

/**
 * Commits several writes with one fsync: writes that arrive during a commit go into the next one. A write that throws rolls back only
 * itself. No write resolves before the common commit.
 */
export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #operations: StoreTransaction;
  readonly #committed: () => void;
  readonly #failed: (error: UserError) => void;
  /** Set when the disk has failed, and never cleared. */
  #broken: UserError | undefined;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;
  #waiting: Write[] = [];
  #draining: Promise<void> | undefined;

  /**
   * @param committed  called after each commit, before its writes resolve
   * @param failed     called when the disk has failed; nothing is written after that
   */
  constructor(
    database: DatabaseSync,
    operations: StoreTransaction,
    committed: () => void,
    failed: (error: UserError) => void,
  ) {
    this.#failed = failed;
    this.#database = database;
    this.#operations = operations;
    this.#committed = committed;
    this.#savepoint = database.prepare('SAVEPOINT one');
    this.#release = database.prepare('RELEASE one');
  }

  write<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise<T>((resolve, reject) => {
      const run = async (operations: StoreTransaction) => {
        const value = await work(operations);
        return () => resolve(value);
      };
      this.#waiting.push({ run, fail: reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when all requested writes are committed. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (await this.#gather()) {
      const group = this.#waiting.slice(0, GROUP_LIMIT);
      this.#waiting = this.#waiting.slice(GROUP_LIMIT);
      await this.#commit(group);
    }
    this.#draining = undefined;
  }

  /**
   * Collects the writes that arrive in the same turn of the event loop. If there are several, it continues for as long as turns bring more.
   * Under load a commit costs more than these turns, and a single write does not wait.
   * @returns the number of waiting writes
   */
  async #gather(): Promise<number> {
    let before: number;
    do {
      before = this.#waiting.length;
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#waiting.length > Math.max(before, 1) && this.#waiting.length < GROUP_LIMIT);
    return this.#waiting.length;
  }

  async #commit(group: readonly Write[]): Promise<void> {
    let answers: readonly (() => void)[];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      answers = (await this.#runTogether(group)) ?? (await this.#runApart(group));
      await failpoint('store.commit');
      this.#database.exec('COMMIT');
    } catch (error) {
      const failure = storageFailure(error);
      // It is unknown whether the disk has stored this commit, so a retry can't be correct.
      if (failure?.code === 'STORAGE_FAILED') this.#broken = failure;
      else if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      for (const write of group) write.fail(failure ?? error);
      if (this.#broken) this.#failWaiting(this.#broken);
      return;
    }
    await failpoint('store.committed');
    this.#committed();
    for (const answer of answers) answer();
  }

  /** Fails the writes that wait for a later commit. It must run in the same turn as the failure, so that no other group is committed. */
  #failWaiting(failure: UserError): void {
    // rule: fail-waiting-writes
    for (const write of this.#waiting.splice(0)) write.fail(failure);
    this.#failed(failure);
  }

  /** Runs all writes in one transaction. @returns undefined if one threw; then all are rolled back, and a new transaction is open */
  async #runTogether(group: readonly Write[]): Promise<(() => void)[] | undefined> {
    const answers: (() => void)[] = [];
    try {
      for (const write of group) answers.push(await write.run(this.#operations));
      return answers;
    } catch {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#database.exec('BEGIN IMMEDIATE');
      return undefined;
    }
  }

  /** Runs each write in its own savepoint. A savepoint costs more than most writes, so this runs only after one threw. */
  async #runApart(group: readonly Write[]): Promise<(() => void)[]> {
    const answers: (() => void)[] = [];
    for (const write of group) answers.push(await this.#runOne(write));
    return answers;
  }

  async #runOne(write: Write): Promise<() => void> {
    this.#savepoint.run();
    try {
      const answer = await write.run(this.#operations);
      this.#release.run();
      return answer;
    } catch (error) {
      // A full disk or an I/O error has already rolled back the whole transaction, so the whole group fails.
      if (!this.#database.isTransaction || storageFailure(error)) throw error;
      this.#database.exec('ROLLBACK TO one');
      this.#release.run();
      return () => write.fail(error);
    }
  }
}
