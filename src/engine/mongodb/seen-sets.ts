import type { MongoClient, ServerHeartbeatSucceededEvent } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import type { Side } from './side.ts';

/** Servers take far shorter names. What answers need not be a server of MongoDB. */
const LONGEST_NAME = 128;

/**
 * Hears, while a client connects, which replica sets the servers belong to. With another `replicaSet` in the connection string the driver drops
 * each server that answers, and in the end says only that it found none.
 */
export class SeenSets implements Disposable {
  readonly #client: MongoClient;
  readonly #names = new Map<string, string>();

  constructor(client: MongoClient) {
    this.#client = client;
    client.on('serverHeartbeatSucceeded', this.#hear);
  }

  readonly #hear = ({ connectionId, reply }: ServerHeartbeatSucceededEvent) => {
    const { setName } = reply;
    if (typeof setName === 'string') this.#names.set(connectionId, setName.slice(0, LONGEST_NAME));
  };

  /** WRONG_REPLICA_SET when every server that answered belongs to another set than the connection string says. */
  whyNone(side: Side): UserError | undefined {
    const { replicaSet } = this.#client.options;
    const [first] = this.#names;
    if (!replicaSet || first === undefined || [...this.#names.values()].includes(replicaSet)) return undefined;
    const [server, name] = first;
    return new UserError('WRONG_REPLICA_SET', [server, side, name, replicaSet]);
  }

  [Symbol.dispose](): void {
    this.#client.off('serverHeartbeatSucceeded', this.#hear);
  }
}
