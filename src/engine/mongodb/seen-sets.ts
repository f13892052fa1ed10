import type { Document, MongoClient, ServerHeartbeatSucceededEvent } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import type { Side } from './side.ts';

/** Servers accept far shorter names only. The peer may be something else than a MongoDB server. */
const LONGEST_NAME = 128;

/** The set that a server belongs to, by its answer to `hello`; or why it belongs to none. */
type Seen = { readonly name: string } | 'STANDALONE_SERVER' | 'REPLICA_SET_NOT_INITIATED';

/**
 * Notes, while a client connects, which replica sets the servers belong to. The driver drops each server that answers and
 * isn't of the set in the connection string, or of any set, and finally reports only that it found none.
 */
export class SeenSets implements Disposable {
  readonly #client: MongoClient;
  readonly #seen = new Map<string, Seen>();

  constructor(client: MongoClient) {
    this.#client = client;
    client.on('serverHeartbeatSucceeded', this.#hear);
  }

  readonly #hear = ({ connectionId, reply }: ServerHeartbeatSucceededEvent) => {
    const seen = seenIn(reply);
    if (seen !== undefined) this.#seen.set(connectionId, seen);
  };

  /**
   * Returns why none of the servers that answered can be used: STANDALONE_SERVER, REPLICA_SET_NOT_INITIATED, or
   * WRONG_REPLICA_SET when the connection string names another set. Undefined if one can, or none answered.
   */
  whyNone(side: Side): UserError | undefined {
    const { replicaSet } = this.#client.options;
    const [first] = this.#seen;
    const isUsable = (seen: Seen) => typeof seen !== 'string' && (!replicaSet || seen.name === replicaSet);
    if (first === undefined || [...this.#seen.values()].some(isUsable)) return undefined;
    const [server, seen] = first;
    if (seen === 'STANDALONE_SERVER') return new UserError(seen, [side, server]);
    if (seen === 'REPLICA_SET_NOT_INITIATED') return new UserError(seen, [server, side]);
    return new UserError('WRONG_REPLICA_SET', [server, side, seen.name, replicaSet]);
  }

  [Symbol.dispose](): void {
    this.#client.off('serverHeartbeatSucceeded', this.#hear);
  }
}

function seenIn({ setName, isreplicaset, isWritablePrimary, ismaster, msg }: Document): Seen | undefined {
  if (typeof setName === 'string') return { name: setName.slice(0, LONGEST_NAME) };
  if (isreplicaset === true) return 'REPLICA_SET_NOT_INITIATED';
  // A router of a sharded cluster has a `msg`.
  return (isWritablePrimary ?? ismaster) === true && msg === undefined ? 'STANDALONE_SERVER' : undefined;
}
