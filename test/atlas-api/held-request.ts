import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { PlainAnswer } from '../support/request-from.ts';
import type { ControlPlane } from './control-plane.ts';

/** A request of which the server has everything but the last byte of its body. */
export class HeldRequest {
  readonly #sent: ClientRequest;
  readonly #lastByte: Buffer;
  readonly #answer: Promise<PlainAnswer>;

  private constructor(sent: ClientRequest, lastByte: Buffer) {
    this.#sent = sent;
    this.#lastByte = lastByte;
    this.#answer = new Promise((resolve, reject) => {
      sent.once('error', reject);
      sent.once('response', (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      });
    });
  }

  /** Sends the head and the body without its last byte over a new connection. Resolves when the server has accepted the head. */
  static async send(
    { url, app }: ControlPlane,
    method: string,
    path: string,
    headers: Record<string, string>,
    body: unknown,
  ): Promise<HeldRequest> {
    const bytes = Buffer.from(JSON.stringify(body));
    const all = { 'content-type': 'application/json', 'content-length': `${bytes.length}`, ...headers };
    const accepted = new Promise<void>((resolve) => {
      app.server.once('request', (message: IncomingMessage) => {
        // The server reads no body before it has authenticated the sender.
        message.on('newListener', (event) => event === 'data' && resolve());
      });
    });
    const sent = request(url + path, { method, headers: all, agent: false });
    const held = new HeldRequest(sent, bytes.subarray(-1));
    sent.write(bytes.subarray(0, -1));
    await Promise.race([accepted, held.#answer]);
    return held;
  }

  /** Sends the last byte. */
  async finish(): Promise<PlainAnswer> {
    this.#sent.end(this.#lastByte);
    return await this.#answer;
  }
}
