/** Fields that differ between two servers of the same version, or name the cluster. */
const OMITTED: ReadonlySet<string> = new Set([
  '$clusterTime',
  'operationTime',
  'lsid',
  'electionId',
  'opTime',
  'wall',
  'wallTime',
  'ui',
  '_data',
  't',
]);

/** The name that a collection has while it is converted. */
const TEMPORARY = /tmp\w{5}\.convertToCapped/;

/**
 * Returns replies without the parts that differ from run to run, so that those of two servers can be compared. Values
 * become the name of their type where they are random or a time.
 */
export function recorded(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(TEMPORARY, 'tmp?????.convertToCapped');
  if (Array.isArray(value)) return value.map(recorded);
  if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? Number(value) : value;
  const type = (value as { readonly _bsontype?: string })._bsontype;
  if (value instanceof Date) return 'Date';
  if (type === 'Long' || type === 'Int32' || type === 'Double') return Number(value);
  if (type !== undefined) return type;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !OMITTED.has(name))
      .map(([name, one]) => [name, recorded(one)]),
  );
}
