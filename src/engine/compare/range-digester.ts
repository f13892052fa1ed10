import type { MongoClient } from 'mongodb';
import { type ClusterAddress, connectCluster } from '../mongodb/connect.ts';
import { isUserDatabase } from '../mongodb/namespaces.ts';
import { readClusterId } from '../records/confirm-clusters.ts';
import type { RangeDigest, RangeQuestion } from '../scope/digest-helper.ts';
import { digestRange } from './range-digest.ts';

/** Reads one cluster, the destination of other engines, and digests ranges of it. Disposing closes the connections. */
export class RangeDigester implements AsyncDisposable {
  readonly #address: ClusterAddress;
  #opened: Promise<{ readonly client: MongoClient; readonly clusterId: string }> | undefined;

  /** @param address  the operator's own, so the rules for destinations of others don't apply to it */
  constructor(address: ClusterAddress) {
    this.#address = { ...address, isExternal: false };
  }

  /**
   * Returns the digest of a range.
   * @throws an error when the cluster is another one, or can't be read
   */
  async digest(question: RangeQuestion, signal: AbortSignal): Promise<RangeDigest> {
    // rule: digest-user-data-only
    if (!isUserDatabase(question.database)) throw new Error('it digests no data of the server itself');
    this.#opened ??= this.#open();
    const opening = this.#opened;
    const { client, clusterId } = await opening.catch((error: unknown) => {
      if (this.#opened === opening) this.#opened = undefined;
      throw error;
    });
    // rule: digest-of-same-cluster
    if (clusterId === '' || clusterId !== question.clusterId) throw new Error('it reads another cluster');
    return await digestRange(client, question, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    this.#opened = undefined;
    await opened?.client.close();
  }

  async #open() {
    const client = await connectCluster(this.#address, 'destination');
    try {
      return { client, clusterId: await readClusterId(client) };
    } catch (error) {
      await client.close();
      throw error;
    }
  }
}
