import { setTimeout as delay } from 'node:timers/promises';
import type { Document, MongoClient } from 'mongodb';
import { failpoint, messageOf, redact, UserError } from '../../platform/index.ts';
import { databaseExists } from '../catalog/read-catalog.ts';
import { REPLY_OPTIONS } from '../mongodb/reply-options.ts';
import { writesAreBlocked } from '../mongodb/write-block.ts';

/** The database that a probe makes on the destination, and removes. */
export const PROBE_DATABASE = 'linkspan_probe';

/** Its one document says that the database is a probe's, and since when. It is removed last. */
const MARKER = 'probe_marker';

/** A probe and its removal take less. So an older marker is of a probe that was killed. */
const OWNED_FOR_MS = 120_000;
const COMMAND_WITHIN_MS = 5_000;
const REMOVE_WITHIN_MS = 20_000;
const REMOVE_AGAIN_AFTER_MS = 500;
const MAJORITY = { w: 'majority', j: true, wtimeout: COMMAND_WITHIN_MS };
const NAMESPACE_NOT_FOUND = 26;

interface Marker {
  readonly _id: string;
  /** When the probe began, by the server's clock. */
  readonly at: Date;
  /** Whether the probe sets a write block, and may not have lifted it. */
  readonly blocks?: boolean;
}

/** The collections of a probe, in a database of their own on the destination. */
export class Scratch {
  readonly client: MongoClient;
  readonly #underWay = new Set<Promise<unknown>>();
  #ended = false;
  /** Whether the write block may be set. The marker stays until it is lifted. */
  #mayBlock = false;

  private constructor(client: MongoClient) {
    this.client = client;
  }

  /**
   * Makes the database, and removes the leftovers of a killed probe.
   * @throws UserError PROBE_DATABASE_TAKEN, PROBE_LEFT
   */
  static async begin(client: MongoClient): Promise<Scratch> {
    const scratch = new Scratch(client);
    const { localTime } = await client.db('admin').command({ hello: 1 });
    if (await databaseExists(client, PROBE_DATABASE)) {
      const owner = await scratch.#owner(localTime as Date);
      if (owner !== undefined) throw new UserError('PROBE_DATABASE_TAKEN', [owner]);
      await scratch.#liftOwnBlock();
      await scratch.#drop();
    }
    try {
      await scratch.write({ insert: MARKER, documents: [{ _id: 'probe', at: localTime }] });
      return scratch;
    } catch (error) {
      // A write may be done although its acknowledgement failed.
      if (await databaseExists(client, PROBE_DATABASE).catch(() => true)) await scratch.remove();
      throw error;
    }
  }

  /** Sends a command that reads. */
  async read(command: Document, database = PROBE_DATABASE): Promise<Document> {
    return await this.#send(database, { ...command, maxTimeMS: COMMAND_WITHIN_MS });
  }

  /** Sends a command that writes, which the majority acknowledges. @throws MongoServerError also for one statement */
  async write(command: Document, database = PROBE_DATABASE): Promise<Document> {
    const reply = await this.#send(database, { ...command, writeConcern: MAJORITY, maxTimeMS: COMMAND_WITHIN_MS });
    const [error] = reply.writeErrors ?? [];
    if (error !== undefined) throw Object.assign(new Error(error.errmsg), { code: error.code });
    return reply;
  }

  /** Tracks work that changes the database, so that its removal waits for it. @throws Error once the removal has begun */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#ended) throw new Error('the probe has ended');
    const running = work();
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  /** Does something while users' writes are blocked. A later probe lifts the block of one that was killed. */
  async whileBlocked<T>(work: () => Promise<T>): Promise<T> {
    await this.write({ update: MARKER, updates: [{ q: { _id: 'probe' }, u: { $set: { blocks: true } } }] });
    this.#mayBlock = true;
    try {
      await this.read({ setUserWriteBlockMode: 1, global: true }, 'admin');
      await failpoint('engine.probe.blocked');
      return await work();
    } finally {
      await this.#lift();
    }
  }

  /**
   * Removes the database. Retries for 20 s, since an election may be under way.
   * @throws UserError PROBE_LEFT
   */
  async remove(): Promise<void> {
    this.#ended = true;
    const deadline = performance.now() + REMOVE_WITHIN_MS;
    while (true) {
      const why = await this.#whyLeft();
      if (why === undefined) return;
      if (performance.now() > deadline) throw new UserError('PROBE_LEFT', [why]);
      await delay(REMOVE_AGAIN_AFTER_MS);
    }
  }

  /** Removes the database, after work that could make it again. @returns why it is still there; undefined when it is not */
  async #whyLeft(): Promise<string | undefined> {
    const ended = delay(COMMAND_WITHIN_MS, undefined, { ref: false });
    await Promise.race([Promise.allSettled(this.#underWay), ended]);
    try {
      // rule: probe-lifts-before-removal
      if (this.#mayBlock && (await writesAreBlocked(this.client)) !== false) await this.#lift();
      // rule: probe-leaves-nothing
      await this.#drop();
      return (await databaseExists(this.client, PROBE_DATABASE)) ? 'it is there again' : undefined;
    } catch (error) {
      return redact(messageOf(error));
    }
  }

  async #send(database: string, command: Document): Promise<Document> {
    return await this.during(() => this.client.db(database).command(command, REPLY_OPTIONS));
  }

  async #lift(): Promise<void> {
    await this.client.db('admin').command({ setUserWriteBlockMode: 1, global: false, maxTimeMS: COMMAND_WITHIN_MS });
    this.#mayBlock = false;
  }

  async #liftOwnBlock(): Promise<void> {
    const [marker] = await this.#markers();
    if (marker?.blocks) await this.#lift();
  }

  async #markers(): Promise<readonly Marker[]> {
    return await this.client.db(PROBE_DATABASE).collection<Marker>(MARKER).find().toArray();
  }

  /** Drops the marker last, so that the leftovers of a kill are recognized. */
  async #drop(): Promise<void> {
    const database = this.client.db(PROBE_DATABASE);
    const drop = async (command: Document) =>
      void (await database
        .command({ ...command, writeConcern: MAJORITY, maxTimeMS: COMMAND_WITHIN_MS })
        .catch((error: { readonly code?: unknown }) => {
          if (error.code !== NAMESPACE_NOT_FOUND) throw error;
        }));
    for (const name of await this.#names())
      if (name !== MARKER && !name.startsWith('system.')) await drop({ drop: name });
    await drop({ dropDatabase: 1 });
  }

  /** Returns why the database isn't a rest, for a message; undefined when it is. */
  async #owner(now: Date): Promise<string | undefined> {
    const [marker] = await this.#markers();
    // rule: probe-keeps-foreign-data
    if (marker === undefined)
      return (await this.#names()).every((name) => name === MARKER) ? undefined : 'is not of a probe';
    const isFresh = now.getTime() - marker.at.getTime() < OWNED_FOR_MS;
    return isFresh ? 'is of a probe that began less than two minutes ago' : undefined;
  }

  async #names(): Promise<string[]> {
    const { cursor } = await this.client.db(PROBE_DATABASE).command({ listCollections: 1, nameOnly: true });
    return cursor.firstBatch.map(({ name }: Document) => String(name));
  }
}
