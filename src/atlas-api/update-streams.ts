import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '../control/index.ts';
import { LoopTime } from '../http/index.ts';
import { type Clock, type Holder, Shares, UserError } from '../platform/index.ts';

/** How often a stream reads its resource again. */
const READ_EVERY_MS = 1000;
/** A silent connection is closed by proxies, and a reader can't tell it from a dead one. */
const HEARTBEAT_EVERY_MS = 10_000;
/** The end of every stream. Its client opens another one, so a client that hangs does not hold a place for ever. */
const LIFE_MS = 30 * 60_000;
const MOST_OF_ACCOUNT = 20;
const MOST_OF_ORGANIZATION = 100;
const MOST_STREAMS = 500;

/** Whether a request asks for a stream instead of one answer. */
export function asksForUpdates({ headers }: FastifyRequest): boolean {
  return /(^|,)\s*text\/event-stream\b/i.test(headers.accept ?? '');
}

/** A resource as it was at one look. */
interface Snapshot {
  readonly id: string;
  /** One line of JSON. */
  readonly data: string;
}

/** The resource of a stream, as an account sees it. */
export interface Watched {
  readonly actor: Actor;
  /** Checks the account's access again. */
  readonly check: () => Promise<Actor>;
  /** Returns the resource as one line of JSON. Its error ends the stream. */
  readonly read: (actor: Actor) => Promise<string>;
}

/** The digest of a resource without the times at which something was measured: they differ at each look, also when nothing has changed. */
function idOf(data: string): string {
  const content = data.replaceAll(/"measuredAt":"[^"]*"/g, '');
  return createHash('sha256').update(content).digest('base64url').slice(0, 22);
}

/**
 * Streams of server-sent events about one resource. Each event is the whole resource, so a client that missed some lacks nothing. The id
 * of an event is a digest of its data: a client that names the present one (`Last-Event-ID`) gets the next change.
 *
 * A stream keeps one event in memory. It reads the resource again only when its client has taken the event before, and streams of one
 * account about one resource share their reads.
 */
export class UpdateStreams {
  readonly #clock: Clock;
  readonly #loopTime: LoopTime;
  readonly #places = new Shares({
    total: MOST_STREAMS,
    each: { account: MOST_OF_ACCOUNT, organization: MOST_OF_ORGANIZATION },
  });
  readonly #looks = new Map<string, { readonly atMs: number; readonly snapshot: Promise<Snapshot> }>();
  readonly #closing = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#loopTime = new LoopTime(clock);
  }

  /**
   * Answers a request with a stream.
   * @throws UserError TOO_MANY_UPDATE_STREAMS, and errors of the first look
   */
  async answer(request: FastifyRequest, reply: FastifyReply, { actor, check, read }: Watched): Promise<Readable> {
    const { socket, url } = request;
    const leave = this.#enter({ account: actor.name, organization: actor.orgId });
    const key = `${actor.kind} ${actor.name} ${url}`;
    const lookAs = (checked: Actor) =>
      this.#look(
        key,
        this.#loopTime.spend(actor.orgId, () => read(checked)),
      );
    const look = async () => {
      const checked = await check();
      const recent = this.#recentLook(key);
      // No `await` between these lines: streams that wake at once share one look.
      // rule: one-look-for-all-streams
      return recent !== undefined || this.#loopTime.isUsedUp(actor.orgId) ? await recent : await lookAs(checked);
    };
    // Before the first wait: the client may leave during it.
    const left = new AbortController();
    reply.raw.once('close', () => {
      leave();
      left.abort();
    });
    // A client sees its own earlier changes.
    const first = await lookAs(await check());
    reply.headers({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      // A kept connection would keep a stopping server open, because the stream's head is sent long before.
      connection: 'close',
    });
    socket.setNoDelay(true);
    const ended = AbortSignal.any([left.signal, this.#closing.signal, this.#clock.timeout(LIFE_MS)]);
    const known = request.headers['last-event-id'];
    const events = Readable.from(this.#events(first, look, typeof known === 'string' ? known : '', ended));
    ended.addEventListener('abort', () => events.destroy(), { once: true });
    return events;
  }

  /** Ends all streams, because the server stops. */
  close(): void {
    this.#closing.abort();
  }

  async *#events(
    first: Snapshot,
    look: () => Promise<Snapshot | undefined>,
    known: string,
    ended: AbortSignal,
  ): AsyncGenerator<string, void> {
    let { id, data } = first;
    let sent = known;
    let saidAtMs = this.#clock.elapsed();
    yield ': the resource, whenever it changes\n\n';
    while (!ended.aborted) {
      const isQuiet = this.#clock.elapsed() - saidAtMs < HEARTBEAT_EVERY_MS;
      if (id !== sent || !isQuiet) {
        yield id === sent ? ': no change\n\n' : `id: ${id}\nevent: snapshot\ndata: ${data}\n\n`;
        sent = id;
        saidAtMs = this.#clock.elapsed();
      }
      await this.#clock.sleep(READ_EVERY_MS, ended);
      if (ended.aborted) return;
      try {
        ({ id, data } = (await look()) ?? { id, data });
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        yield `event: end\ndata: ${JSON.stringify({ errorCode: error.code, detail: error.message })}\n\n`;
        return;
      }
    }
  }

  /** The last look at a resource, if another stream of the same account has just had it. */
  #recentLook(key: string): Promise<Snapshot> | undefined {
    const nowMs = this.#clock.elapsed();
    for (const [one, { atMs }] of this.#looks) if (nowMs - atMs >= READ_EVERY_MS) this.#looks.delete(one);
    return this.#looks.get(key)?.snapshot;
  }

  #look(key: string, read: Promise<string>): Promise<Snapshot> {
    const snapshot = read.then((data) => ({ id: idOf(data), data }));
    this.#looks.set(key, { atMs: this.#clock.elapsed(), snapshot });
    return snapshot;
  }

  /** @returns a function that frees the place */
  #enter(holder: Holder & { readonly account: string }): () => void {
    if (this.#places.take(holder, 1) !== undefined) throw new UserError('TOO_MANY_UPDATE_STREAMS', [holder.account]);
    return () => this.#places.release(holder, 1);
  }
}
