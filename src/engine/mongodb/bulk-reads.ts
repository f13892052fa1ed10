import { MongoClient, type TopologyDescription, type TopologyDescriptionChangedEvent } from 'mongodb';
import { systemClock } from '../../platform/index.ts';
import { compressAs } from './compression.ts';
import { dialMembersAsOwn } from './dial-members.ts';
import { classify } from './failure-policy.ts';
import { fitMember, type TagSets } from './fit-member.ts';
import { keepToOneAddress } from './one-address.ts';
import { optionsBeside } from './options-beside.ts';

/** A member whose reads fail is left alone for this time. */
const AVOIDED_MS = 60_000;
/** Bounds the wait for a member that no longer replicates. A range that takes longer is read on from its last key. */
const MEMBER_READ_MS = 120_000;

/** The fields that a read adds to its command. */
interface Bound {
  readonly maxTimeMS?: number;
}

/**
 * The bulk reads of a source: those of the copy, the comparison and digests, of which each says how new its data has to be. They go to
 * a secondary where the connection string has `readPreference=secondaryPreferred`, and to the primary while none will do. Everything that
 * decides reads the primary. Documents: adr/0041.
 */
class BulkReads {
  readonly #main: MongoClient;
  readonly #tagSets: TagSets;
  readonly #members = new Map<string, MongoClient>();
  readonly #avoidedUntilMs = new Map<string, number>();
  #topology: TopologyDescription | undefined;
  #address: string | undefined;
  #hasRead = false;

  constructor(main: MongoClient, tagSets: TagSets) {
    this.#main = main;
    this.#tagSets = tagSets;
    main.on('topologyDescriptionChanged', ({ newDescription }: TopologyDescriptionChangedEvent) => {
      this.#topology = newDescription;
    });
    main.once('topologyClosed', () => {
      for (const member of this.#members.values()) void member.close().catch(() => undefined);
    });
  }

  /** The member that answered last: the address of a secondary, or the primary; undefined before the first read. */
  get latest(): string | 'primary' | undefined {
    return this.#hasRead ? (this.#address ?? 'primary') : undefined;
  }

  async read<T>(read: (client: MongoClient, bound: Bound) => Promise<T>): Promise<T> {
    this.#address = this.#choose();
    this.#hasRead = true;
    const address = this.#address;
    if (address === undefined) return await read(this.#main, {});
    try {
      return await read(this.#clientOf(address), { maxTimeMS: MEMBER_READ_MS });
    } catch (error) {
      // rule: avoid-failing-member
      if (classify(error) === 'transient') this.#avoidedUntilMs.set(address, systemClock.elapsed() + AVOIDED_MS);
      throw error;
    }
  }

  #choose(): string | undefined {
    const nowMs = systemClock.elapsed();
    const servers = [...(this.#topology?.servers.values() ?? [])].filter(
      ({ address }) => nowMs >= (this.#avoidedUntilMs.get(address) ?? 0),
    );
    return fitMember(servers, this.#tagSets, this.#address);
  }

  #clientOf(address: string): MongoClient {
    const known = this.#members.get(address);
    if (known !== undefined) return known;
    const [options, login] = optionsBeside(this.#main);
    const { compressors, maxPoolSize } = this.#main.options;
    const client = new MongoClient(`${login}${address}/`, {
      ...{ ...options, compressors, maxPoolSize },
      directConnection: true,
      readPreference: 'secondaryPreferred',
    });
    keepToOneAddress(client);
    compressAs(client, this.#main);
    dialMembersAsOwn(client);
    this.#members.set(address, client);
    return client;
  }
}

const known = new WeakMap<MongoClient, BulkReads>();

/** From now on the bulk reads of a client that isn't connected yet go to its secondaries with these tags. */
export function readFromSecondaries(client: MongoClient, tagSets: TagSets): void {
  known.set(client, new BulkReads(client, tagSets.length === 0 ? [{}] : tagSets));
}

export function readsFromSecondaries(client: MongoClient): boolean {
  return known.has(client);
}

/**
 * Runs a bulk read of a cluster, which must say how new its data has to be, on a secondary if the cluster's connection string asks for that. A
 * cursor that it opens continues on the same member. The caller retries.
 */
export async function bulkRead<T>(
  client: MongoClient,
  read: (client: MongoClient, bound: Bound) => Promise<T>,
): Promise<T> {
  return await (known.get(client)?.read(read) ?? read(client, {}));
}

/**
 * Returns what answered the latest bulk read of a cluster: the address of a secondary, or `primary`.
 * @returns undefined before the first one, and for a cluster whose secondaries aren't read from
 */
export function latestBulkReader(client: MongoClient): string | undefined {
  return known.get(client)?.latest;
}
