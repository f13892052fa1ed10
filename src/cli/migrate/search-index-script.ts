import type { Examination } from '../../engine/index.ts';

type SearchIndexes = NonNullable<Examination['searchIndexes']>;

/**
 * The part of the script that makes one index. A build that has begun continues by itself when the script is stopped, so the wait needs no
 * end of its own.
 */
const HEAD = `// Search indexes of the source, for the destination: mongosh "$DESTINATION" --file THIS_FILE
// Run it when the initial sync has ended. A build reads its whole collection at full speed, and competes with the
// migration and with users. The script makes one index after the other, and can be run again.
function create(database, collection, index) {
  const target = db.getSiblingDB(database);
  const stage = { $listSearchIndexes: { name: index.name } };
  const listed = () => target.getCollection(collection).aggregate([stage]).toArray()[0];
  const what = database + "." + collection + ": " + index.name;
  if (listed() === undefined) target.runCommand({ createSearchIndexes: collection, indexes: [index] });
  for (let seen; seen !== "READY"; ) {
    const { status } = listed() ?? {};
    if (status !== seen) print(what + " is " + status);
    if (status === "FAILED" || status === undefined) throw new Error(what + " was not built");
    seen = status;
    if (seen !== "READY") sleep(5000);
  }
}
`;

/** Returns a script for mongosh that creates search indexes, one at a time. Indexes without a definition are named. */
export function searchIndexScript(indexes: SearchIndexes): string {
  const calls = indexes.map(({ database, collection, name, type, definition }) => {
    const text = JSON.stringify;
    if (definition === undefined)
      return `print(${text(`${database}.${collection}: ${name} has no definition to read`)});`;
    return `create(${text(database)}, ${text(collection)}, ${text({ name, type, definition })});`;
  });
  return `${[HEAD, ...calls].join('\n')}\n`;
}
