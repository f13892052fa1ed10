import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Clock, UserError } from '../platform/index.ts';

/** How often a stream reads its resource again. */
const READ_EVERY_MS = 1000;
/** A silent connection is closed by proxies, and a reader can't tell it from a dead one. */
const HEARTBEAT_EVERY_MS = 10_000;
/** The end of every stream. Its client opens another one, so a client that hangs does not hold a place for ever. */
const LIFE_MS = 30 * 60_000;
const MOST_OF_ACCOUNT = 20;
const MOST_STREAMS = 500;

/** Whether a request asks for a stream instead of one answer. */
export function asksForUpdates({ headers }: FastifyRequest): boolean {
  return /(^|,)\s*text\/event-stream\b/i.test(headers.accept ?? '');
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
 * A stream keeps one event in memory. It reads the resource again only when its client has taken the event before.
 */
export class UpdateStreams {
  readonly #clock: Clock;
  readonly #open = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Answers a request with a stream.
   * @param account  name of the account that asks
   * @param read     returns the resource as one line of JSON. It checks the access again, and its error ends the stream
   * @throws UserError TOO_MANY_UPDATE_STREAMS, and errors of the first `read`
   */
  async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    account: string,
    read: () => Promise<string>,
  ): Promise<Readable> {
    const { socket } = request;
    const leave = this.#enter(account);
    // Before the first wait: the client may leave during it.
    const left = new AbortController();
    reply.raw.once('close', () => {
      leave();
      left.abort();
    });
    const first = await read();
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
    const events = Readable.from(this.#events(first, read, typeof known === 'string' ? known : '', ended));
    ended.addEventListener('abort', () => events.destroy(), { once: true });
    return events;
  }

  /** Ends all streams, because the server stops. */
  close(): void {
    this.#closing.abort();
  }

  async *#events(
    first: string,
    read: () => Promise<string>,
    known: string,
    ended: AbortSignal,
  ): AsyncGenerator<string, void> {
    let data = first;
    let sent = known;
    let saidAtMs = this.#clock.elapsed();
    yield ': the resource, whenever it changes\n\n';
    while (!ended.aborted) {
      const id = idOf(data);
      const isQuiet = this.#clock.elapsed() - saidAtMs < HEARTBEAT_EVERY_MS;
      if (id !== sent || !isQuiet) {
        yield id === sent ? ': no change\n\n' : `id: ${id}\nevent: snapshot\ndata: ${data}\n\n`;
        sent = id;
        saidAtMs = this.#clock.elapsed();
      }
      await this.#clock.sleep(READ_EVERY_MS, ended);
      if (ended.aborted) return;
      try {
        data = await read();
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        yield `event: end\ndata: ${JSON.stringify({ errorCode: error.code, detail: error.message })}\n\n`;
        return;
      }
    }
  }

  /** @returns a function that frees the place */
  #enter(account: string): () => void {
    const own = this.#open.get(account) ?? 0;
    const all = [...this.#open.values()].reduce((sum, each) => sum + each, 0);
    if (own >= MOST_OF_ACCOUNT || all >= MOST_STREAMS) throw new UserError('TOO_MANY_UPDATE_STREAMS', [account]);
    this.#open.set(account, own + 1);
    return () => {
      const rest = (this.#open.get(account) ?? 0) - 1;
      if (rest > 0) this.#open.set(account, rest);
      else this.#open.delete(account);
    };
  }
}
