import type { MongoClient } from 'mongodb';
import type { Compression } from '../../contract/index.ts';
import { Link, type Wire } from '../bson/wire.ts';

const wires = new WeakMap<MongoClient, Wire>();

/**
 * Lets a client compress its messages as `wire` says, with a link for each server. Call it before the client connects. The driver takes one
 * set of options for all servers, so this function adds the link right before the driver opens each server.
 */
export function compressBy(client: MongoClient, wire: Wire): void {
  wires.set(client, wire);
  client.on('serverOpening', () => {
    const { s: topology } = Reflect.get(client, 'topology');
    topology.options = { ...topology.options, link: new Link(wire) };
  });
}

/** Lets a client that isn't connected yet compress as another one does, whose bytes count its own. */
export function compressAs(client: MongoClient, other: MongoClient): void {
  const wire = wires.get(other);
  if (wire !== undefined) compressBy(client, wire);
}

/** Returns the bytes of a client since it connected; undefined while its messages aren't compressed. */
export function compressionOf(client: MongoClient): Compression['source'] {
  const { compressor, wireBytes, messageBytes } = wires.get(client) ?? {};
  return compressor && { compressor, wireBytes: wireBytes ?? 0, messageBytes: messageBytes ?? 0 };
}
