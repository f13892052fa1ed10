import { inWords } from '../../contract/index.ts';
import { NamespaceMap, type NamespaceRemap } from '../scope/namespace-map.ts';
import type { DigestClaim, DigestedEntry, DigestReport } from './digest-report.ts';

/** One difference between two reports. */
export interface ReportDifference {
  /** As the first report names it; the database for a user or role. */
  readonly namespace: string;
  /** As the second report names it. */
  readonly otherNamespace: string;
  readonly class:
    | 'COLLECTION_MISSING'
    | 'COLLECTION_EXTRA'
    | 'TYPE'
    | 'DOCUMENTS'
    | 'ORDER'
    | 'OPTIONS'
    | 'INDEX_MISSING'
    | 'INDEX_EXTRA'
    | 'INDEX'
    | 'USER'
    | 'ROLE';
  /** The name of the option, index, user or role. */
  readonly name?: string;
  /** The first report's value, for people. */
  readonly first?: string;
  /** The second report's value. */
  readonly second?: string;
}

/** Which cluster a report is of, and for which time it stands. */
type ReportOrigin = Pick<DigestReport, 'cluster' | 'clusterTime' | 'endTime' | 'endedAt' | 'claim'>;

/** The result of comparing two reports. */
export interface ComparedReports {
  readonly first: ReportOrigin;
  readonly second: ReportOrigin;
  readonly differences: readonly ReportDifference[];
  /** Collections whose documents, options and indexes were compared, views included. */
  readonly compared: number;
  readonly documents: number;
  /** Why a result without differences proves less than it seems to; one sentence each. */
  readonly reservations: readonly string[];
}

/** Claims with which equal reports prove equal clusters. */
const FIRM: readonly DigestClaim[] = ['AT_CLUSTER_TIME', 'WITHOUT_WRITES'];

/**
 * Compares the reports of two clusters.
 * @param remaps  the names on the second cluster for namespaces of the first
 */
export function compareReports(
  first: DigestReport,
  second: DigestReport,
  remaps: readonly NamespaceRemap[] = [],
): ComparedReports {
  const namespaces = new NamespaceMap(remaps);
  const others = new Map(second.collections.map((entry) => [entry.namespace, entry]));
  const differences: ReportDifference[] = [];
  let compared = 0;
  let documents = 0;
  for (const entry of first.collections) {
    const { namespace } = entry;
    const otherNamespace = counterpartOf(namespace, namespaces);
    const other = others.get(otherNamespace);
    others.delete(otherNamespace);
    if (other === undefined) {
      differences.push({ namespace, otherNamespace, class: 'COLLECTION_MISSING' });
      continue;
    }
    compared += 1;
    if (entry.type !== 'view') documents += entry.count;
    differences.push(...compareEntries(entry, other).map((one) => ({ namespace, otherNamespace, ...one })));
  }
  for (const namespace of others.keys()) {
    differences.push({ namespace, otherNamespace: namespace, class: 'COLLECTION_EXTRA' });
  }
  differences.push(...compareAccounts(first, second));
  return {
    first: originOf(first),
    second: originOf(second),
    differences,
    compared,
    documents,
    reservations: reservationsOf(first, second),
  };
}

function originOf({ cluster, clusterTime, endTime, endedAt, claim }: DigestReport): ReportOrigin {
  return { cluster, clusterTime, endTime, endedAt, claim };
}

type Found = Omit<ReportDifference, 'namespace' | 'otherNamespace'>;

function compareEntries(first: DigestedEntry, second: DigestedEntry): Found[] {
  if (first.type !== second.type) return [{ class: 'TYPE', first: first.type, second: second.type }];
  const options = differingNames(first.options, second.options).map((name): Found => ({ class: 'OPTIONS', name }));
  if (first.type === 'view' || second.type === 'view') return options;
  const documents = [first, second].map(({ count, bytes, digest }) => `${count} documents, ${bytes} bytes, ${digest}`);
  const isSame = documents[0] === documents[1];
  const isInOrder = first.orderDigest === second.orderDigest;
  return [
    ...(isSame ? [] : [{ class: 'DOCUMENTS' as const, first: documents[0], second: documents[1] }]),
    // The order of other documents differs in any case.
    ...(isSame && !isInOrder
      ? [{ class: 'ORDER' as const, first: first.orderDigest, second: second.orderDigest }]
      : []),
    ...options,
    ...differingNames(first.indexes, second.indexes).map((name): Found => {
      if (!Object.hasOwn(second.indexes, name)) return { class: 'INDEX_MISSING', name };
      return { class: Object.hasOwn(first.indexes, name) ? 'INDEX' : 'INDEX_EXTRA', name };
    }),
  ];
}

/** Compares the accounts of the first report. Others that the second cluster has are its own. */
function compareAccounts(first: DigestReport, second: DigestReport): ReportDifference[] {
  if (first.accounts === null || second.accounts === null) return [];
  const others = new Map(second.accounts.map((one) => [`${one.kind} ${one.id}`, one.fingerprint]));
  return first.accounts
    .filter(({ kind, id, fingerprint }) => others.get(`${kind} ${id}`) !== fingerprint)
    .map(({ kind, id }) => {
      const dot = id.indexOf('.');
      const database = id.slice(0, dot);
      const isMissing = !others.has(`${kind} ${id}`);
      return {
        namespace: database,
        otherNamespace: database,
        class: kind === 'user' ? ('USER' as const) : ('ROLE' as const),
        name: id.slice(dot + 1),
        second: isMissing ? 'missing' : 'different',
      };
    });
}

function reservationsOf(first: DigestReport, second: DigestReport): string[] {
  const reservations = [['first', first] as const, ['second', second] as const].flatMap(
    ([which, { claim, explanation }]) =>
      // rule: doubt-loose-claims
      FIRM.includes(claim) ? [] : [`The ${which} report proves nothing (${inWords(claim)}). ${explanation}`],
  );
  if (JSON.stringify(first) === JSON.stringify(second)) reservations.push('Both files are the same report.');
  if ((first.accounts === null) !== (second.accounts === null))
    reservations.push('Only one report has users and roles, so they were not compared.');
  return reservations;
}

function counterpartOf(namespace: string, namespaces: NamespaceMap): string {
  const dot = namespace.indexOf('.');
  const [database, name] = [namespace.slice(0, dot), namespace.slice(dot + 1)];
  return `${namespaces.database(database)}.${namespaces.collection(database, name)}`;
}

function differingNames(first: Readonly<Record<string, string>>, second: Readonly<Record<string, string>>): string[] {
  const own = (record: Readonly<Record<string, string>>, name: string) =>
    Object.hasOwn(record, name) ? record[name] : undefined;
  const names = new Set([...Object.keys(first), ...Object.keys(second)]);
  return [...names].filter((name) => own(first, name) !== own(second, name)).sort();
}
