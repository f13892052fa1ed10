import { Binary } from 'mongodb';
import { type Logger, reach, UserError } from '../../platform/index.ts';
import { describeKey, keyBytes, keyFromBytes } from '../bson/document-key.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import { describeDifference } from '../compare/difference.ts';
import type { MismatchRecord, VerificationRecords } from '../records/verification-records.ts';
import { documentOfDestination, documentOfSource, type ReadKeysParts } from './read-keys.ts';
import type { OpenKey } from './recheck-queue.ts';

/** The parts of a run that mismatches need. */
interface MismatchesParts extends ReadKeysParts {
  readonly logger: Logger;
}

/** How often a document may differ again after a repair. One that does is written by somebody else, or by a fault. */
const RETURNS = 3;
/** Mismatches that progress shows, the latest ones. All are on record. */
const SHOWN = 10;

/** Evidence of documents that differed although no change explains it. */
export class Mismatches {
  readonly #parts: MismatchesParts;
  readonly #records: VerificationRecords;
  readonly #known = new Map<string, MismatchRecord>();

  constructor(parts: MismatchesParts, records: VerificationRecords) {
    this.#parts = parts;
    this.#records = records;
  }

  async load(): Promise<void> {
    for (const record of await this.#records.mismatches()) {
      const { u, k } = record._id;
      this.#known.set(u.toHexString(false) + keyFromBytes(bufferOf(k)).identity, record);
    }
  }

  get found(): number {
    return this.#known.size;
  }

  get open(): number {
    return [...this.#known.values()].filter(({ open }) => open).length;
  }

  /** The latest ones, newest first. */
  get latest(): readonly MismatchRecord[] {
    return [...this.#known.values()].slice(-SHOWN).reverse();
  }

  /**
   * Puts a mismatch on record.
   * @returns false when both sides are equal by now
   * @throws UserError VERIFICATION_FAILED when the document was repaired before and differs again
   */
  async note(open: OpenKey): Promise<boolean> {
    const { collection, key } = open;
    const source = await documentOfSource(this.#parts, collection, key);
    const destination = await documentOfDestination(this.#parts, collection, key);
    if (isEqual(source.document, destination.document)) return false;
    const id = collection.id + key.identity;
    const before = this.#known.get(id);
    const difference = describeDifference(source.document, destination.document);
    const record: MismatchRecord = {
      _id: { m: this.#parts.fence.migrationId, u: collection.uuid, k: new Binary(keyBytes(key)) },
      namespace: collection.namespace,
      key: describeKey(key),
      class: difference.class,
      path: difference.path,
      firstSeen: before?.firstSeen ?? new Date(this.#parts.clock.now()),
      times: (before?.times ?? 0) + 1,
      sourceTime: source.time.toString(),
      destinationTime: destination.time.toString(),
      foreign: open.foreign || (before?.foreign ?? false),
      open: true,
    };
    await this.#records.saveMismatch(record);
    this.#known.delete(id);
    this.#known.set(id, record);
    const { namespace, class: kind, path, foreign, times } = record;
    const evidence = { namespace, _id: record.key, class: kind, path, foreign, times };
    this.#parts.logger.warn(evidence, 'A document differs between source and destination');
    await reach('engine.verify.mismatch-recorded');
    if (times > RETURNS) throw new UserError('VERIFICATION_FAILED', [describeMismatch(record), String(times)]);
    return true;
  }

  /** Closes the mismatch of a key that is equal now. */
  async close({ collection, key }: OpenKey): Promise<void> {
    const id = collection.id + key.identity;
    const record = this.#known.get(id);
    if (!record?.open) return;
    const closed = { ...record, open: false };
    await this.#records.saveMismatch(closed);
    this.#known.set(id, closed);
  }

  /** Forgets the mismatches of a collection that the source dropped, or that is copied again. */
  async forget(collection: OpenKey['collection']): Promise<void> {
    for (const [id, record] of this.#known) {
      if (record._id.u.toHexString(false) !== collection.id || !record.open) continue;
      const closed = { ...record, open: false };
      await this.#records.saveMismatch(closed);
      this.#known.set(id, closed);
    }
  }
}

/** Describes a mismatch for people. */
function describeMismatch({ namespace, key, class: kind, path, foreign }: MismatchRecord): string {
  const where = path === null ? '' : ` at \`${path}\``;
  return `${namespace} _id ${key}: ${kind}${where}${foreign ? ', written by somebody else on the destination' : ''}`;
}

function isEqual(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}
