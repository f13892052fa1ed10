import { inWords } from '../../contract/index.ts';
import type { DigestedEntry, DigestReport } from '../../engine/index.ts';
import { counted } from '../../platform/index.ts';
import { formatCount } from '../progress/format.ts';
import { withoutControls } from '../terminal/index.ts';

/** Returns a report as text for an auditor: everything that the JSON has, with whole digests. */
export function digestText(report: DigestReport): string {
  const { cluster, totals, collections, accounts, selection } = report;
  const lines = [
    `Digest of the ${shownCluster(cluster)}, MongoDB ${cluster.mongoDBVersion}`,
    `  made by      Linkspan ${report.linkspanVersion}, from ${report.startedAt} to ${report.endedAt}`,
    `  cluster time ${shownTime(report.clusterTime)}`,
    `  writes       ${report.endTime === null ? 'not watched' : `watched until ${shownTime(report.endTime)}`}`,
    `  selection    ${shownSelection(selection)}`,
    `  claim        ${inWords(report.claim)}. ${report.explanation}`,
    '',
    ...collections.flatMap(linesOf),
    ...(accounts ?? []).map(({ kind, id, fingerprint }) => `${kind} ${id}  ${fingerprint}`),
    ...(accounts?.length ? [''] : []),
    `total: ${counted(totals.collections, 'collection')}, ${counted(totals.views, 'view')}, ` +
      `${formatCount(totals.count)} documents, ${formatCount(totals.bytes)} bytes`,
    `  digest  ${totals.digest}`,
  ];
  return `${lines.map(withoutControls).join('\n')}\n`;
}

function linesOf(entry: DigestedEntry): string[] {
  const options = Object.entries(entry.options).map(([name, value]) => `  option ${name}  ${value}`);
  if (entry.type === 'view') return [`${entry.namespace}  view`, ...options, ''];
  const time = entry.atClusterTime ? 'at the cluster time' : 'not at one time';
  const written =
    entry.written === null ? 'no one could see writes' : entry.written ? 'written meanwhile' : 'not written';
  return [
    `${entry.namespace}  ${entry.type}, ${formatCount(entry.count)} documents, ${formatCount(entry.bytes)} bytes, read ${time}, ${written}`,
    `  digest  ${entry.digest}`,
    ...(entry.orderDigest === undefined ? [] : [`  order digest  ${entry.orderDigest}`]),
    ...options,
    ...Object.entries(entry.indexes).map(([name, value]) => `  index ${name}  ${value}`),
    '',
  ];
}

/** Returns the kind, id and server of a cluster for people. */
export function shownCluster({ sharded, replicaSetId, primary }: DigestReport['cluster']): string {
  const kind = sharded ? 'sharded cluster' : 'replica set';
  return `${kind} ${replicaSetId || '(id not readable)'} at ${primary}`;
}

/** Returns a cluster time for people. */
export function shownTime({ t, i }: { readonly t: number; readonly i: number }): string {
  return `${new Date(t * 1000).toISOString()} (${t}, ${i})`;
}

function shownSelection({ includeNamespaces, excludeNamespaces, documentFilters }: DigestReport['selection']): string {
  const parts = [
    ...(includeNamespaces.length > 0 ? [`only ${JSON.stringify(includeNamespaces)}`] : []),
    ...(excludeNamespaces.length > 0 ? [`without ${JSON.stringify(excludeNamespaces)}`] : []),
    ...(documentFilters.length > 0 ? [`documents ${JSON.stringify(documentFilters)}`] : []),
  ];
  return parts.length === 0 ? 'everything' : parts.join(', ');
}
