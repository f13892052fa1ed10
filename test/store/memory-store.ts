import {
  type HasEntry,
  KEEPING,
  type Keeping,
  type Kind,
  type Sealed,
  type SealedPlace,
  type Store,
  type StoreTransaction,
} from '../../src/control/index.ts';

type AnyRecord = Readonly<Record<string, unknown>>;
type Query = Readonly<Record<string, unknown>>;
/** The records of a kind by their keys. */
type Records = ReadonlyMap<string, AnyRecord>;
type Data = ReadonlyMap<Kind, Records>;

/** Unique values of the kinds that have more than their key; null for a record that shares them. */
const UNIQUE: { readonly [K in Kind]?: (record: AnyRecord) => unknown[] | null } = {
  accounts: ({ kind, name }) => [kind, name],
  groups: ({ orgId, name, deletedAtMs }) => (deletedAtMs === null ? [orgId, name] : null),
  clusters: ({ groupId, name, deletedAtMs }) => (deletedAtMs === null ? [groupId, name] : null),
  agents: ({ linkId }) => [linkId],
  restores: ({ number }) => [number],
  auditRecords: ({ sequence }) => [sequence],
};

/** The data that a memory store leaves to the next one. */
export interface Kept {
  data: Data;
}

/** A store in memory. It keeps the contract but for durability, and shows how little an adapter needs. */
export function openMemoryStore(kept: Kept): Store {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...operationsOn(kept),
    putBack: null,
    write: (work) => {
      const run = async () => {
        const draft = { data: kept.data };
        const value = await work(operationsOn(draft));
        kept.data = draft.data;
        return value;
      };
      const written = last.then(run, run);
      last = written;
      return written;
    },
    [Symbol.asyncDispose]: async () => void (await last.catch(() => undefined)),
  };
}

function operationsOn(at: Kept): StoreTransaction {
  const of = (kind: Kind): Records => at.data.get(kind) ?? new Map();
  const find = (kind: Kind, where: Query = {}, window: Query = {}) =>
    select([...of(kind).values()], kind, where, window);
  const store = (kind: Kind, record: AnyRecord) => {
    const key = keyOf(kind, record);
    const unique = JSON.stringify(UNIQUE[kind]?.(record) ?? null);
    for (const [otherKey, other] of unique === 'null' ? [] : of(kind))
      if (otherKey !== key && JSON.stringify(UNIQUE[kind]?.(other)) === unique) throw new Error(`${unique} exists`);
    at.data = new Map(at.data).set(kind, new Map(of(kind)).set(key, record));
  };
  const insert = (kind: Kind, record: AnyRecord) => {
    if (of(kind).has(keyOf(kind, record))) throw new Error(`${keyOf(kind, record)} exists in ${kind}`);
    store(kind, record);
  };
  const update = (kind: Kind, record: AnyRecord) => {
    if (!of(kind).has(keyOf(kind, record))) throw new Error(`${keyOf(kind, record)} is missing in ${kind}`);
    store(kind, record);
  };
  const sealed = () =>
    [...KEEPING].flatMap(([kind, { sealed: field }]) =>
      field === undefined
        ? []
        : find(kind).map((record) => ({ place: { kind, id: String(record.id), field }, record })),
    );
  const operations = {
    get: async (kind: Kind, id: string) => of(kind).get(JSON.stringify([id])),
    find: async (kind: Kind, where?: Query, window?: Query) => find(kind, where, window),
    count: async (kind: Kind, where?: Query) => find(kind, where).length,
    countBy: async (kind: Kind, field: string, where?: Query) => {
      const groups = Map.groupBy(find(kind, where), (record) => fieldOf(kind, record, field));
      return new Map([...groups].map(([value, records]) => [value, records.length]));
    },
    valuesNotSealedAs: async (mark: string, limit: number) => {
      const values = sealed().map(({ place, record }) => ({ place, value: record[place.field] as Sealed | null }));
      return values.filter(({ value }) => value && (mark === '' || !value.startsWith(mark))).slice(0, limit);
    },
    insert: async (kind: Kind, record: AnyRecord) => insert(kind, record),
    update: async (kind: Kind, record: AnyRecord) => update(kind, record),
    put: async (kind: Kind, record: AnyRecord) => store(kind, record),
    delete: async (kind: Kind, where: Query) => {
      const gone = new Set(find(kind, where));
      at.data = new Map(at.data).set(kind, new Map([...of(kind)].filter(([, record]) => !gone.has(record))));
    },
    replaceSealed: async (place: SealedPlace, value: Sealed) => {
      const known = sealed().find((one) => JSON.stringify(one.place) === JSON.stringify(place));
      if (known === undefined) throw new Error(`${place.kind}.${place.field} has no sealed values`);
      update(known.place.kind, { ...known.record, [place.field]: value });
    },
    appendAuditRecord: async (record: object) => insert('auditRecords', record as AnyRecord),
  };
  // The port's types tie the record to the kind; here each record is only an object.
  return operations as unknown as StoreTransaction;
}

function select(records: readonly AnyRecord[], kind: Kind, where: Query, window: Query): AnyRecord[] {
  const { reverse = false, firstOfEach, skip = 0, limit } = window;
  const conditions = Object.entries(where);
  if (conditions.some(([, condition]) => condition === undefined)) throw new Error('a condition is undefined');
  const found = records
    .filter((record) => conditions.every(([field, condition]) => meets(fieldOf(kind, record, field), condition)))
    .sort((left, right) => compare(kind, left, right));
  const groupOf = (record: AnyRecord) => (firstOfEach as string[]).map((field) => fieldOf(kind, record, field));
  const one = firstOfEach
    ? [...Map.groupBy(found, (each) => String(groupOf(each))).values()].map(([first]) => first)
    : found;
  const ordered = one.filter((record) => record !== undefined);
  if (reverse) ordered.reverse();
  return ordered.slice(Number(skip), limit === undefined ? undefined : Number(skip) + Number(limit));
}

function meets(value: unknown, condition: unknown): boolean {
  if (typeof condition !== 'object' || condition === null) return value === condition;
  return Object.entries(condition).every(([name, operand]) => OPERATORS[name]?.(value as never, operand as never));
}

const OPERATORS: Readonly<Record<string, (value: never, operand: never) => boolean>> = {
  in: (value: unknown, all: readonly unknown[]) => all.includes(value),
  gt: (value: number | null, limit: number) => value !== null && value > limit,
  gte: (value: number | null, limit: number) => value !== null && value >= limit,
  lte: (value: number | null, limit: number) => value !== null && value <= limit,
  contains: (value: string, text: string) => value.toLowerCase().includes(text.toLowerCase()),
  hasEntry: (value: AnyRecord, { names, value: wanted }: HasEntry) =>
    names.some((name) => name in value && (wanted === undefined || [value[name]].flat().includes(wanted))),
};

function compare(kind: Kind, left: AnyRecord, right: AnyRecord): number {
  for (const [field, direction] of Object.entries(keeping(kind).order)) {
    const [one, other] = [fieldOf(kind, left, field), fieldOf(kind, right, field)] as [number, number];
    if (one !== other) return one < other ? -direction : direction;
  }
  return 0;
}

const keyOf = (kind: Kind, record: AnyRecord) =>
  JSON.stringify(keeping(kind).key.map((field) => fieldOf(kind, record, field)));

function fieldOf(kind: Kind, record: AnyRecord, field: string): unknown {
  return Object.hasOwn(keeping(kind).derived, field) ? keeping(kind).derived[field]?.(record as never) : record[field];
}

function keeping(kind: Kind): Keeping {
  const known = KEEPING.get(kind);
  if (known === undefined) throw new Error(`${kind} is no kind`);
  return known;
}
