import type { MongoClient, ServerHeartbeatSucceededEvent } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import type { Side } from './side.ts';

/** Servers accept far shorter names only. The peer may be something else than a MongoDB server. */
const LONGEST_NAME = 128;

/**
 * Notes, while a client connects, which replica sets the servers belong to. With another `replicaSet` in the connection
 * string, the driver drops each server that answers, and finally reports only that it found none.
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

  /**
   * Returns WRONG_REPLICA_SET when every server that answered belongs to another set than the connection string names.
   */
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
