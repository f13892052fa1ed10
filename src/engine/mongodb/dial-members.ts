import type { MongoClient } from 'mongodb';
import { dialAsOwn } from '../../platform/index.ts';

/** Lets this process connect to each server that a client finds, while the client has it: the operator decides which those are. */
export function dialMembersAsOwn(client: MongoClient): void {
  const own = new Map<string, Disposable>();
  const release = (address: string) => own.get(address)?.[Symbol.dispose]();
  client.on('serverOpening', ({ address }) => {
    release(address);
    own.set(address, dialAsOwn(address));
  });
  client.on('serverClosed', ({ address }) => {
    release(address);
    own.delete(address);
  });
}
