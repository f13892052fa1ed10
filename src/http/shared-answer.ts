import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** An answer that is the same for all clients: one buffer, which a client that has it need not get again. */
export class SharedAnswer {
  readonly #type: string;
  readonly #content: Buffer;
  readonly #tag: string;

  constructor(type: string, content: string) {
    this.#type = type;
    this.#content = Buffer.from(content);
    this.#tag = `"${createHash('sha256').update(this.#content).digest('base64url')}"`;
  }

  send(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    reply.headers({ etag: this.#tag, 'cache-control': 'no-cache' });
    if (request.headers['if-none-match'] === this.#tag) return reply.code(304).send();
    return reply.header('content-type', this.#type).send(this.#content);
  }
}
