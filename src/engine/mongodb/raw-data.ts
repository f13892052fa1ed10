import type { Document, MongoClient } from 'mongodb';
import { catalogName, isBuckets } from './namespaces.ts';

/**
 * From MongoDB 9.0 on a time series is one collection, whose buckets a command with `rawData` reads and writes under the
 * user-visible name (server source: jstests/change_streams, jstests/libs/raw_operation_utils.js). The engine names buckets
 * as older servers do. Only this file and the listing of collections know the difference.
 */
const CLUSTERS = new WeakSet<MongoClient>();

/** From now on the engine reads and writes the buckets of this cluster's time series by `rawData`. */
export function useRawData(client: MongoClient): void {
  CLUSTERS.add(client);
}

export function usesRawData(client: MongoClient): boolean {
  return CLUSTERS.has(client);
}

/** Returns a command on buckets, or a change stream that shows them, as its cluster takes it; any other command as it is. */
export function asRawData(client: MongoClient, command: Document): Document {
  if (!usesRawData(client)) return command;
  const [[name, collection] = []] = Object.entries(command);
  if (name !== undefined && typeof collection === 'string' && isBuckets(collection))
    return { ...command, [name]: catalogName(collection), rawData: true };
  // rule: streams-with-raw-data
  return command.pipeline?.[0]?.$changeStream === undefined ? command : { ...command, rawData: true };
}
