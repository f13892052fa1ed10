import { BSON } from 'mongodb';
import type { Definition } from '../accounts/definition.ts';
import { decode } from '../bson/decode.ts';
import { document, element } from '../bson/raw-document.ts';
import type { RawValue } from '../bson/raw-value.ts';
import { differingFields, type Fields } from '../catalog/fields.ts';
import { type IndexSpec, plainTwins, stricterFields, weakened } from '../catalog/index-spec.ts';
import { SPANS_CHANGED } from '../catalog/time-series-flags.ts';
import { canonicalAccount, canonicalIndex, canonicalOptions } from './canonical-form.ts';
import type { SideCatalog, SideEntry } from './side-catalog.ts';

/** One difference between the catalogs of two sides. */
export interface CatalogDifference {
  /** On the source; the database for a user or role. */
  readonly namespace: string;
  readonly destinationNamespace: string;
  readonly class:
    | 'COLLECTION_MISSING'
    | 'COLLECTION_EXTRA'
    | 'OPTIONS'
    | 'VIEW'
    | 'INDEX_MISSING'
    | 'INDEX_EXTRA'
    | 'INDEX'
    | 'USER'
    | 'ROLE';
  /** The name of the index, user or role. */
  readonly name?: string;
  /** The option or field that differs; absent when the whole is missing or extra. */
  readonly path?: string;
  /** The source's value in canonical Extended JSON; absent when it has none, and for users and roles. */
  readonly source?: string;
  /** The destination's value. */
  readonly destination?: string;
}

/**
 * The definitions that are expected on the destination, where they differ from those of the source. The functions
 * receive the source's entry.
 */
export interface ExpectedCatalog {
  /** Whether the destination may have collections and views of its own. */
  readonly keepsDestination?: boolean;
  /** Returns the options that the destination is expected to have. */
  readonly options?: (entry: SideEntry) => Fields;
  /** Returns the index that the destination is expected to have; undefined when it may or may not have one. */
  readonly index?: (spec: IndexSpec, entry: SideEntry) => IndexSpec | undefined;
}

/** The catalog of a migration's destination until the cutover: nothing is unique there and nothing expires. */
export const EXPECTED_UNTIL_CUTOVER: ExpectedCatalog = {
  options: ({ options }) => withoutExpiry(options),
  // rule: twin-comes-later
  index: (spec, { indexes }) => (plainTwins(indexes).includes(spec) ? undefined : weakened(spec)),
};

/**
 * Returns the catalog of a former source as if nothing were unique and nothing expired, because it has both already. An
 * index keeps what the other side's index of its name lacks: it would refuse or delete documents.
 */
export function weakenedCatalog(catalog: SideCatalog, other: SideCatalog): SideCatalog {
  const weaken = (namespace: string, entry: SideEntry): SideEntry => {
    const originals = new Map(other.get(namespace)?.indexes.map((spec) => [spec.name, spec]));
    return {
      ...entry,
      options: withoutExpiry(entry.options),
      // Each change of spans that it followed or made itself has set the flag.
      // rule: compare-spans-of-former-source
      flags: [...entry.flags, SPANS_CHANGED],
      indexes: entry.indexes.map((spec) => weakenedBut(spec, originals.get(spec.name))),
    };
  };
  return new Map([...catalog].map(([namespace, entry]) => [namespace, weaken(namespace, entry)]));
}

function weakenedBut(spec: IndexSpec, original: IndexSpec | undefined): IndexSpec {
  const weak = weakened(spec);
  const kept = original === undefined ? [] : stricterFields(spec, original);
  return {
    ...weak,
    // rule: compare-kept-settings
    fields: new Map([...spec.fields].filter(([name]) => weak.fields.has(name) || kept.includes(name))),
  };
}

function withoutExpiry(options: Fields): Fields {
  return new Map([...options].filter(([name]) => name !== 'expireAfterSeconds'));
}

/** Returns all differences between the catalogs of two sides: one for each option and each field of an index. */
export function compareCatalogs(
  source: SideCatalog,
  destination: SideCatalog,
  expected: ExpectedCatalog = {},
): CatalogDifference[] {
  const differences: CatalogDifference[] = [];
  for (const [namespace, entry] of source) {
    const counterpart = destination.get(namespace);
    if (counterpart === undefined) {
      differences.push({ namespace, destinationNamespace: entry.destinationNamespace, class: 'COLLECTION_MISSING' });
    } else {
      differences.push(...compareEntries(namespace, entry, counterpart, expected));
    }
  }
  for (const [namespace, { destinationNamespace }] of expected.keepsDestination ? [] : destination) {
    if (!source.has(namespace)) differences.push({ namespace, destinationNamespace, class: 'COLLECTION_EXTRA' });
  }
  return differences;
}

/**
 * Returns the differences of users or roles. An account that only the destination has is none: a cluster has accounts
 * of its own. No difference contains a value, because values may be password verifiers.
 */
export function compareAccounts(
  source: readonly Definition[],
  destination: readonly Definition[],
): CatalogDifference[] {
  const present = new Map(destination.map((one) => [`${one.kind} ${one.id}`, one]));
  return source.flatMap((wanted): CatalogDifference[] => {
    const at = {
      namespace: wanted.database,
      destinationNamespace: wanted.database,
      class: wanted.kind === 'user' ? ('USER' as const) : ('ROLE' as const),
      name: wanted.name,
    };
    const one = present.get(`${wanted.kind} ${wanted.id}`);
    if (one === undefined) return [at];
    return differingFields(canonicalAccount(wanted), canonicalAccount(one)).map((path) => ({ ...at, path }));
  });
}

function compareEntries(
  namespace: string,
  source: SideEntry,
  destination: SideEntry,
  expected: ExpectedCatalog,
): CatalogDifference[] {
  const at = { namespace, destinationNamespace: destination.destinationNamespace };
  if (source.type !== destination.type) {
    const types = { source: JSON.stringify(source.type), destination: JSON.stringify(destination.type) };
    return [{ ...at, class: 'OPTIONS', path: 'type', ...types }];
  }
  const kind = source.type === 'view' ? ('VIEW' as const) : ('OPTIONS' as const);
  const options = expected.options?.(source) ?? source.options;
  const missingFlags = source.flags.filter((flag) => !destination.flags.includes(flag));
  return [
    ...compareFields(canonicalOptions(options), canonicalOptions(destination.options)).map((difference) => ({
      ...at,
      class: kind,
      ...difference,
    })),
    ...missingFlags.map((path) => ({ ...at, class: 'OPTIONS' as const, path, source: 'true' })),
    ...compareIndexes(source, destination, expected).map((difference) => ({ ...at, ...difference })),
  ];
}

type IndexDifference = Omit<CatalogDifference, 'namespace' | 'destinationNamespace'>;

function compareIndexes(source: SideEntry, destination: SideEntry, expected: ExpectedCatalog): IndexDifference[] {
  const present = new Map(destination.indexes.map((spec) => [spec.name, spec]));
  const differences: IndexDifference[] = [];
  for (const original of source.indexes) {
    const { name } = original;
    const there = present.get(name);
    present.delete(name);
    const wanted = expected.index === undefined ? original : expected.index(original, source);
    if (wanted === undefined) continue;
    if (there === undefined) {
      differences.push({ class: 'INDEX_MISSING', name, source: shownFields(canonicalIndex(wanted)) });
      continue;
    }
    const fields = compareFields(canonicalIndex(wanted), canonicalIndex(there));
    differences.push(...fields.map((difference) => ({ class: 'INDEX' as const, name, ...difference })));
  }
  const extra = [...present.values()].map((spec): IndexDifference => {
    return { class: 'INDEX_EXTRA', name: spec.name, destination: shownFields(canonicalIndex(spec)) };
  });
  return [...differences, ...extra];
}

function compareFields(
  source: Fields,
  destination: Fields,
): Pick<CatalogDifference, 'path' | 'source' | 'destination'>[] {
  return differingFields(source, destination).map((path) => {
    const [left, right] = [source.get(path), destination.get(path)];
    return {
      path,
      ...(left === undefined ? {} : { source: shown(left) }),
      ...(right === undefined ? {} : { destination: shown(right) }),
    };
  });
}

function shownFields(fields: Fields): string {
  return `{${[...fields].map(([name, value]) => `${JSON.stringify(name)}:${shown(value)}`).join(',')}}`;
}

function shown({ type, bytes }: RawValue): string {
  const { value } = decode(document(element(type, 'value', bytes)), { promoteValues: false });
  return BSON.EJSON.stringify(value, { relaxed: false });
}
