import { BSON_TYPE } from '../bson/elements.ts';
import { boolean, int32 } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import { differingFields, type Fields, fieldsOf } from './fields.ts';

/** Far enough that nothing expires while a migration runs [12]; the largest value that servers take. */
const NEVER_SECONDS = 2_147_483_647;

/** An index as `listIndexes` shows it. */
export interface IndexSpec {
  readonly name: string;
  readonly fields: Fields;
}

/** Reads a spec; undefined for the `_id` index, which every collection has by itself, or the clustered one. */
export function readIndexSpec(bytes: Buffer): IndexSpec | undefined {
  const fields = fieldsOf(bytes);
  fields.delete('ns'); // Servers before 4.4 stored it; newer ones refuse it [13].
  const name = fields.get('name');
  if (name === undefined) throw new RangeError('Index without a name');
  const text = name.bytes.toString('utf8', 4, name.bytes.length - 1);
  return text === '_id_' || fields.has('clustered') ? undefined : { name: text, fields };
}

export function isUnique(spec: IndexSpec): boolean {
  return isTrue(spec.fields.get('unique'));
}

export function isPreparedUnique(spec: IndexSpec): boolean {
  return isTrue(spec.fields.get('prepareUnique'));
}

export function expireAfterSeconds(spec: IndexSpec): RawValue | undefined {
  return spec.fields.get('expireAfterSeconds');
}

/**
 * The form in which an index lives on the destination until cutover: not unique, since keys are written in another order than on
 * the source [10], and never expiring [12].
 */
export function weakened(spec: IndexSpec): IndexSpec {
  const fields = new Map(spec.fields);
  fields.delete('unique');
  fields.delete('prepareUnique');
  if (fields.has('expireAfterSeconds'))
    fields.set('expireAfterSeconds', new RawValue(BSON_TYPE.int32, int32(NEVER_SECONDS)));
  return { name: spec.name, fields };
}

/** Whether two indexes are the same but for what weakening changes. */
export function sameButForWeakening(a: IndexSpec, b: IndexSpec): boolean {
  return differingFields(weakened(a).fields, weakened(b).fields).length === 0;
}

/** The names of two indexes that would be one and the same in their weakened form, which a server refuses [11]; undefined when there are none. */
export function findTwins(specs: readonly IndexSpec[]): readonly [string, string] | undefined {
  const nameless = ({ fields }: IndexSpec) => new Map([...fields].filter(([name]) => name !== 'name'));
  for (const [index, one] of specs.entries()) {
    const twin = specs
      .slice(index + 1)
      .find((other) => differingFields(nameless(weakened(one)), nameless(weakened(other))).length === 0);
    if (twin !== undefined) return [one.name, twin.name];
  }
  return undefined;
}

function isTrue(value: RawValue | undefined): boolean {
  return value !== undefined && value.type === BSON_TYPE.boolean && value.bytes.equals(boolean(true));
}
