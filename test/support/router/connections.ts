import type { Document } from 'mongodb';
import { refuseAbortingCommand } from './aborting-commands.ts';
import { type Catalog, CONFIG } from './catalog.ts';
import type { ClusterClock } from './cluster-clock.ts';
import { assemble, decodeExactly, encodeElements, valueIn } from './elements.ts';
import { isNotPrimary, Refusal } from './refusal.ts';
import { Unreachable, Upstream } from './upstream.ts';
import type { Sequences } from './wire.ts';

/** The connections of one client: its own to the config server, where it logs in, and the router's to the shards. */
export class Connections {
  readonly #catalog: Catalog;
  readonly #clock: ClusterClock;
  readonly #user: Upstream;
  readonly #shards = new Map<string, Promise<Upstream>>();
  /** The router may do everything, but its clients may not: each command says whether its user may write through a block. */
  #bypass: Buffer[] = [];
  #isLoggedIn = false;

  constructor(catalog: Catalog, clock: ClusterClock, configPort: number) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#user = new Upstream(configPort);
  }

  close(): void {
    this.#user.close();
    for (const opening of this.#shards.values()) {
      opening.then(
        (upstream) => upstream.close(),
        () => undefined,
      );
    }
  }

  /** @throws Refusal */
  demandLogin(command: string): void {
    if (!this.#isLoggedIn) throw new Refusal(13, 'Unauthorized', `command ${command} requires authentication`);
  }

  /** Sends a command to the config server with the client's own rights. */
  async asUser(body: Buffer, sequences?: Sequences): Promise<Buffer> {
    const reply = await this.#user.send(body, sequences);
    this.#clock.note(reply);
    return reply;
  }

  /** Asks the config server who has logged in. Must follow each login. */
  async noteUser(): Promise<void> {
    const { authInfo } = await this.#user.run('admin', { connectionStatus: 1, showPrivileges: true });
    const mayBypassWriteBlocking = authInfo.authenticatedUserPrivileges.some(
      ({ resource, actions }: Document) =>
        (resource.cluster || resource.anyResource) && actions.includes('bypassWriteBlockingMode'),
    );
    this.#bypass = encodeElements({ mayBypassWriteBlocking });
    this.#isLoggedIn = authInfo.authenticatedUsers.length > 0;
  }

  /**
   * Sends a command to the primary of a shard, or to the config server (`CONFIG`).
   * @returns the reply's bytes, also those of an error
   * @throws Unreachable; Error for a command that would abort the shard's process
   */
  async send(shard: string, elements: readonly Buffer[], sequences?: Sequences): Promise<Buffer> {
    refuseAbortingCommand(elements, sequences);
    try {
      const upstream = await this.#upstream(shard);
      const reply = await upstream.send(assemble([...elements, ...this.#bypass, ...this.#clock.gossip]), sequences);
      this.#clock.note(reply);
      if (isNotPrimary(valueIn(reply, 'code')?.readInt32LE())) this.#forget(shard);
      return reply;
    } catch (error) {
      if (error instanceof Unreachable) this.#forget(shard);
      throw error;
    }
  }

  /** Like `send`, with decoded documents that keep the types of numbers. */
  async run(shard: string, db: string, command: Document): Promise<Document> {
    return decodeExactly(await this.send(shard, encodeElements({ ...command, $db: db })));
  }

  #upstream(shard: string): Promise<Upstream> {
    const known = this.#shards.get(shard);
    if (known) return known;
    const opening = this.#catalog.dial(shard);
    this.#shards.set(shard, opening);
    opening.catch(() => this.#shards.delete(shard));
    return opening;
  }

  #forget(shard: string): void {
    if (shard === CONFIG) return;
    this.#catalog.forgetPrimary(shard);
    this.#shards.get(shard)?.then(
      (upstream) => upstream.close(),
      () => undefined,
    );
    this.#shards.delete(shard);
  }
}
