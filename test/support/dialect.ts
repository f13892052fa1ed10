import { BSON, type Document } from 'mongodb';
import { startRewritingProxy } from './dialect/rewriting-proxy.ts';
import type { ReplicaSet } from './replica-set.ts';

const EXACT = { promoteValues: false, promoteBuffers: false, bsonRegExp: true } as const;

/** Changes the replies of some commands in place, by the command's name. */
export type Rewrites = Readonly<Record<string, (reply: Document, request: Document) => void>>;

/** Changes the requests of some commands in place, by the command's name, to what the real server knows. */
export type Requests = Readonly<Record<string, (request: Document) => void>>;

/**
 * A proxy in front of the primary of a real set, which changes its replies to those of a newer server. It is no newer
 * server: its tests say so in their titles.
 */
export interface Dialect extends AsyncDisposable {
  /** Connects to the proxy only, without authentication. */
  readonly uri: string;
  /** Replaces the rewrites of all connections; `{}` removes them. */
  speak(rewrites: Rewrites, requests?: Requests): void;
}

export async function startDialect(set: ReplicaSet, rewrites: Rewrites): Promise<Dialect> {
  let spoken = rewrites;
  let translated: Requests = {};
  const { port } = await set.primary();
  const proxy = await startRewritingProxy(
    { host: '127.0.0.1', port },
    {
      request: ({ name, body }) => {
        const translate = translated[name];
        return translate === undefined ? body : changedBy(translate, body);
      },
      reply: (reply, { name, body }) => {
        const rewrite = spoken[name];
        if (rewrite === undefined) return reply;
        return changedBy((document) => rewrite(document, BSON.deserialize(body, EXACT)), reply);
      },
    },
  );
  return {
    uri: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`,
    speak: (next, requests = {}) => {
      spoken = next;
      translated = requests;
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

function changedBy(change: (document: Document) => void, body: Buffer): Buffer {
  const document = BSON.deserialize(body, EXACT);
  change(document);
  return Buffer.from(BSON.serialize(document));
}

/** Returns the documents of a reply with a cursor. */
export function batchOf({ cursor }: Document): Document[] {
  return cursor?.firstBatch ?? cursor?.nextBatch ?? [];
}
