import fc from 'fast-check';

/** Few enough that writers meet each other, in two databases so that renames can cross. */
export const NAMESPACES = ['one.a', 'one.b', 'two.a', 'two.c'] as const;
export type Namespace = (typeof NAMESPACES)[number];
/** Collections that have documents at the start. */
export const FILLED: readonly Namespace[] = NAMESPACES.slice(0, 3);

/**
 * Types that an `_id` may have. The numeric ones of one `n` are equal to the server, and have different bytes; so are string and symbol. Of
 * `minus` only zero equals others; all of `nan` are one.
 */
export const ID_TYPES = [
  'int',
  'long',
  'double',
  'decimal',
  'longDecimal',
  'minus',
  'nan',
  'string',
  'symbol',
  'document',
  'longDocument',
] as const;
export interface Id {
  readonly n: number;
  readonly as: (typeof ID_TYPES)[number];
}

export const DOCUMENT_KINDS = [
  'insert',
  'insertMany',
  'set',
  'unset',
  'addNumber',
  'push',
  'pull',
  'setElement',
  'truncate',
  'setDotted',
  'setDollar',
  'emptyTimestamp',
  'reorder',
  'rewriteAll',
  'touchAll',
  'replace',
  'upsert',
  'delete',
  'deleteMany',
  'retype',
  'save',
  'reinsert',
  'swapUnique',
] as const;

export const CATALOG_KINDS = [
  'create',
  'createWithCollation',
  'createClustered',
  'createCapped',
  'drop',
  'dropDatabase',
  'rename',
  'renameOnto',
  'createIndex',
  'createUnique',
  'createExpiring',
  'createWildcard',
  'dropIndexes',
  'changeValidator',
  'changeIndex',
  'preImages',
  'view',
  'dropView',
  'out',
  'merge',
] as const;

/** One step of a writer, as data: what the generator made, what a failure prints. A step that does not need a field ignores it. */
export interface Step {
  readonly kind: (typeof DOCUMENT_KINDS)[number] | (typeof CATALOG_KINDS)[number];
  readonly on: Namespace;
  /** The other collection of renames, copies and views. */
  readonly to: Namespace;
  readonly id: Id;
  /** Whatever value the step writes. */
  readonly x: number;
}

export interface Transaction {
  readonly kind: 'transaction';
  readonly steps: readonly Step[];
}

export type Operation = Step | Transaction;

/** The operations around one migration. */
export interface Schedule {
  /** Done one after the other before it starts. */
  readonly before: readonly Operation[];
  /** Bytes added to each document that is there from the start, which makes the copy take several batches. */
  readonly padding: number;
  /** One list for each writer; all write at the same time. */
  readonly writers: readonly (readonly Operation[])[];
  /** The n-th time that the engine reaches a named point, it waits until that many more operations are done. Used round and round. */
  readonly pauses: readonly number[];
  /** The run is stopped, and taken up by another one, when so many points have been reached. */
  readonly stops: readonly number[];
}

const id: fc.Arbitrary<Id> = fc.record({ n: fc.nat(9), as: fc.constantFrom(...ID_TYPES) });

function step(kind: fc.Arbitrary<Step['kind']>, namespaces: readonly Namespace[] = NAMESPACES): fc.Arbitrary<Step> {
  const namespace = fc.constantFrom(...namespaces);
  return fc.record({ kind, on: namespace, to: namespace, id, x: fc.nat(99) });
}

const catalogStep = step(fc.constantFrom(...CATALOG_KINDS));

/** @param catalog  whether the catalog changes, too; if not, only those collections are written to that are there from the start */
export function schedules(catalog: boolean): fc.Arbitrary<Schedule> {
  const documentStep = step(fc.constantFrom(...DOCUMENT_KINDS), catalog ? NAMESPACES : FILLED);
  const operation: fc.Arbitrary<Operation> = fc.oneof(
    { weight: 14, arbitrary: documentStep },
    { weight: catalog ? 4 : 0, arbitrary: catalogStep },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('transaction' as const),
        steps: fc.array(documentStep, { minLength: 1, maxLength: 4 }),
      }),
    },
  );
  return fc.record({
    before: fc.array(operation, { maxLength: 12, size: 'max' }),
    padding: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(400_000) }),
    writers: fc.array(fc.array(operation, { maxLength: 25, size: 'max' }), { minLength: 1, maxLength: 3, size: 'max' }),
    pauses: fc.array(fc.nat(6), { minLength: 1, maxLength: 12, size: 'max' }),
    stops: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.nat(40), { maxLength: 2 })),
  });
}
