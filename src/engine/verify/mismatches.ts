import { Binary } from 'mongodb';
import { inWords } from '../../contract/index.ts';
import { failpoint, UserError } from '../../platform/index.ts';
import { sidesOf } from '../apply/migrated-sides.ts';
import { canonicalKey, type DocumentKey, keyBytes, keyFromBytes, keyOf } from '../bson/document-key.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import type { Dispatched } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { readBoth } from '../compare/collection-side.ts';
import { describeDifference, isSameDocument } from '../compare/difference.ts';
import { operationTimeOf } from '../mongodb/cluster-time.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import type { MismatchRecord, VerificationRecords } from '../records/verification-records.ts';
import type { OpenKey } from './recheck-queue.ts';

/**
 * How often a document may differ again after a repair. One that differs more often is written by another client, or by
 * a fault.
 */
const RETURNS = 3;
/** More differing documents than this are no accident. The evidence of this many fits into memory. */
const MOST = 10_000;
/** Mismatches that progress shows, the latest ones. All are on record. */
const SHOWN = 10;

/** Evidence of documents that differed although no change explains it. */
export class Mismatches {
  readonly #context: Clusters & Pace & Telling & Dispatched;
  readonly #records: VerificationRecords;
  /** By the UUID of the collection and the identity of the key, in the order in which they were found. */
  readonly #known = new Map<string, MismatchRecord>();
  /** Those that this run put on record. An earlier run may have been killed between record and repair. */
  readonly #noted = new Set<string>();
  #open = 0;
  #isLoaded = false;

  constructor(context: Clusters & Pace & Telling & Dispatched, records: VerificationRecords) {
    this.#context = context;
    this.#records = records;
  }

  /** Takes the records of earlier runs. */
  load(records: readonly MismatchRecord[]): void {
    for (const record of records.toSorted((a, b) => a.firstSeen.getTime() - b.firstSeen.getTime())) {
      const { u, k } = record._id;
      this.#keep(u.toHexString(false) + keyFromBytes(bufferOf(k)).identity, record);
    }
    this.#isLoaded = true;
  }

  /** Documents that differed at some time. */
  get found(): number {
    return this.#known.size;
  }

  /** Documents that differ, as far as known. */
  get open(): number {
    return this.#open;
  }

  /** All of them; undefined until the records of earlier runs are loaded. */
  get all(): readonly MismatchRecord[] | undefined {
    return this.#isLoaded ? [...this.#known.values()] : undefined;
  }

  /** The latest ones, newest first. */
  get latest(): readonly MismatchRecord[] {
    return [...this.#known.values()].slice(-SHOWN).reverse();
  }

  /**
   * Puts a mismatch on record.
   * @param repairs  whether the document is repaired each time: otherwise it is the same finding until it was equal
   * @returns `equal` when both sides are equal by now; `discarded` when only one side has a document of a capped
   * collection, which each side discards by itself
   * @throws UserError VERIFICATION_FAILED when the document keeps differing after repairs, or when too many differ
   */
  async note(open: OpenKey, repairs: boolean): Promise<'noted' | 'equal' | 'discarded'> {
    const { collection, key } = open;
    const { source, destination } = await readBoth(sidesOf(this.#context, collection), [key], (document) => document);
    const [there, here] = [source.found.get(key.identity), destination.found.get(key.identity)];
    if (isSameDocument(there, here)) return 'equal';
    const isOnOneSide = there === undefined || here === undefined;
    if (collection.isCapped && isOnOneSide) return 'discarded';
    const id = collection.id + key.identity;
    const before = this.#known.get(id);
    // rule: count-killed-run-once
    const isSameFinding = before?.open === true && !(repairs && this.#noted.has(id));
    const difference = describeDifference(there, here);
    const record: MismatchRecord = {
      _id: { m: this.#context.fence.migrationId, u: collection.uuid, k: new Binary(keyBytes(key)) },
      namespace: collection.namespace,
      key: canonicalKey(there === undefined ? key : keyOf(there)),
      class: difference.class,
      path: difference.path,
      firstSeen: before?.firstSeen ?? new Date(this.#context.clock.now()),
      times: (before?.times ?? 0) + (isSameFinding ? 0 : 1),
      sourceTime: operationTimeOf({ operationTime: source.time }, 'source'),
      destinationTime: operationTimeOf({ operationTime: destination.time }, 'destination'),
      external: open.external || (before?.external ?? false),
      open: true,
    };
    await this.#records.saveMismatch(record);
    this.#keep(id, record);
    this.#noted.add(id);
    const { namespace, class: kind, path, external, times } = record;
    const evidence = { namespace, _id: record.key, class: kind, path, external, times };
    this.#context.logger.warn(
      { event: 'verification.mismatch', ...evidence },
      'A document differs between source and destination',
    );
    await failpoint('engine.verify.mismatch-recorded');
    // rule: stop-when-differing
    if (times > RETURNS && !isSameFinding) {
      throw new UserError('VERIFICATION_FAILED', [`${describeMismatch(record)}, for the ${times}th time`]);
    }
    if (this.found > MOST) throw new UserError('VERIFICATION_FAILED', [`more than ${MOST} documents differ`]);
    return 'noted';
  }

  /** Closes the mismatch of a key that is equal now. */
  async close({ collection, key }: OpenKey): Promise<void> {
    if (this.#open > 0) await this.#close(collection.id + key.identity);
  }

  /** Closes the mismatches of a collection that the source dropped, or that is copied again. */
  async forget(collection: TrackedCollection): Promise<void> {
    for (const id of this.#known.keys()) if (id.startsWith(collection.id)) await this.#close(id);
  }

  /** Returns the keys of a collection that differed when they were last compared. */
  openKeysOf(collection: TrackedCollection): readonly DocumentKey[] {
    const open = [...this.#known].filter(([id, record]) => record.open && id.startsWith(collection.id));
    return open.map(([, { _id }]) => keyFromBytes(bufferOf(_id.k)));
  }

  /** Describes the latest mismatch that is open; undefined when none is. */
  describeOpen(): string | undefined {
    const open = [...this.#known.values()].findLast((record) => record.open);
    if (open === undefined) return undefined;
    return this.#open > 1 ? `${describeMismatch(open)}; and ${this.#open - 1} more` : describeMismatch(open);
  }

  async #close(id: string): Promise<void> {
    const record = this.#known.get(id);
    if (!record?.open) return;
    const closed = { ...record, open: false };
    await this.#records.saveMismatch(closed);
    this.#known.set(id, closed);
    this.#open -= 1;
  }

  #keep(id: string, record: MismatchRecord): void {
    const wasOpen = this.#known.get(id)?.open ?? false;
    this.#known.delete(id);
    this.#known.set(id, record);
    this.#open += Number(record.open) - Number(wasOpen);
  }
}

/** Describes a mismatch for people. */
function describeMismatch({ namespace, key, class: kind, path, external }: MismatchRecord): string {
  const where = path === null ? '' : ` at \`${path}\``;
  return `${namespace} _id ${key}: ${inWords(kind)}${where}${external ? ', written by another client on the destination' : ''}`;
}
