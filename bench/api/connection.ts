import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { DigestSession } from '../../src/digest/index.ts';
import type { Listening } from './server-process.ts';

const BODY = '{"accessListIps":["1.2.3.4","5.6.7.8"]}';
const HEAD_END = '\r\n\r\n';

/** A keep-alive connection that creates link-tokens one after the other, with digest under one nonce. It is cheap, because it shares the cores with the server. */
export class Connection {
  readonly #socket: Socket;
  readonly #path: string;
  readonly #isSigned: boolean;
  readonly #session: DigestSession;

  private constructor(socket: Socket, target: Listening, isSigned: boolean) {
    this.#socket = socket;
    this.#isSigned = isSigned;
    this.#session = new DigestSession(target.publicKey, target.privateKey);
    this.#path = `/api/atlas/v2/orgs/${target.orgId}/liveMigrations/linkTokens`;
  }

  /** @param isSigned  false sends no credentials, so the answer is the challenge (or the bare server's answer) */
  static async open(target: Listening, isSigned: boolean): Promise<Connection> {
    const socket = connect({ host: '127.0.0.1', port: target.port, noDelay: true });
    await once(socket, 'connect');
    const connection = new Connection(socket, target, isSigned);
    if (isSigned) {
      const { head } = await connection.#exchange('');
      connection.#session.accept(/^www-authenticate: (.*)$/im.exec(head)?.[1] ?? '');
    }
    return connection;
  }

  /** Sends one request. @returns the HTTP status */
  async create(): Promise<number> {
    const { status } = await this.#exchange(
      this.#isSigned ? `Authorization: ${this.#session.authorization('POST', this.#path)}\r\n` : '',
    );
    return status;
  }

  close(): void {
    this.#socket.destroy();
  }

  #exchange(authorization: string): Promise<{ status: number; head: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; head: string }>();
    let text = '';
    const read = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const headEnd = text.indexOf(HEAD_END);
      if (headEnd < 0) return;
      const head = text.slice(0, headEnd);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (text.length < headEnd + HEAD_END.length + length) return;
      this.#socket.off('data', read).off('error', reject);
      resolve({ status: Number(head.slice(9, 12)), head });
    };
    this.#socket.on('data', read).on('error', reject);
    this.#socket.write(
      `POST ${this.#path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/vnd.atlas.2023-01-01+json\r\nContent-Type: application/json\r\n${authorization}Content-Length: ${BODY.length}\r\n\r\n${BODY}`,
    );
    return promise;
  }
}
