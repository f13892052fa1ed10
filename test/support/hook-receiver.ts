import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that a receiver has taken. */
export interface ReceivedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of webhooks on this machine. Disposing closes it. */
export class HookReceiver implements AsyncDisposable {
  readonly requests: ReceivedRequest[] = [];
  /** Answers a request after it was noted. Tests replace it. */
  answer: (request: ReceivedRequest, ...http: Parameters<RequestListener>) => void = (_request, _incoming, response) =>
    void response.writeHead(204).end();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (incoming, response) => {
      let body = '';
      for await (const chunk of incoming) body += chunk;
      const request = { headers: incoming.headers, body };
      this.requests.push(request);
      this.answer(request, incoming, response);
    });
  }

  static async start(): Promise<HookReceiver> {
    const receiver = new HookReceiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  /** The events of all requests, as they arrived. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON, of which each test reads something else
  get events(): any[] {
    return this.requests.map(({ body }) => JSON.parse(body));
  }

  /** Like `events`, each once: an event arrives again with the same id when its sender did not live to note the answer (docs/operate/hooks.md). */
  // biome-ignore lint/suspicious/noExplicitAny: JSON, of which each test reads something else
  get distinctEvents(): any[] {
    return [...new Map(this.events.map((event) => [event.id, event])).values()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
