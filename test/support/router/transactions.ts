import type { Document } from 'mongodb';
import type { Routing } from './catalog.ts';
import type { Context, Handler } from './context.ts';
import { decodeExactly, encodeElements, valueIn } from './elements.ts';
import { Refusal, visible } from './refusal.ts';
import type { Request } from './request.ts';
import { versionElements } from './versions.ts';

/** A transaction that began on one router. */
interface Transaction {
  readonly number: string;
  /** The first one coordinates the commit. */
  readonly participants: string[];
  readonly readConcern: readonly Buffer[];
}

/** The latest transaction of each session on one router. */
export class Transactions {
  readonly #bySession = new Map<string, Transaction>();

  /** Returns the transaction of a command, a new one if the command starts it. @throws Refusal */
  of(request: Request): Transaction {
    const session = Buffer.concat(request.raw('lsid')).toString('hex');
    const number = String(request.get('txnNumber'));
    const known = this.#bySession.get(session);
    if (known?.number === number) return known;
    if (!request.get('startTransaction')) {
      throw new Refusal(251, 'NoSuchTransaction', `cannot continue txnId ${number}`, ['TransientTransactionError']);
    }
    const started = { number, participants: [], readConcern: request.raw('readConcern') };
    this.#bySession.set(session, started);
    return started;
  }

  /** Returns a command's elements for one shard, with its versions. The first command of a transaction there starts it there. */
  elementsFor(request: Request, routing: Routing, shard: string, without: readonly string[] = []): Buffer[] {
    const versions = versionElements(routing, shard);
    if (!request.inTransaction) return [request.as(request.name), ...request.rest(...without), ...versions];
    const rest = request.rest(...without, 'startTransaction', 'readConcern');
    const elements = [request.as(request.name), ...rest, ...versions];
    const { participants, readConcern } = this.of(request);
    if (participants.includes(shard)) return elements;
    const coordinator = participants.length === 0 ? { coordinator: true } : {};
    participants.push(shard);
    return [...elements, ...encodeElements({ startTransaction: true, ...coordinator }), ...readConcern];
  }
}

/**
 * Returns a handler that answers a statement of a transaction. When that fails, the shards abort the transaction, as for a `mongos`: the client
 * may send its `abortTransaction` to another router, which knows nothing of it.
 */
export function statementOf(handler: Handler): Handler {
  return async (request, context) => {
    try {
      const reply = await handler(request, context);
      if (!isOk(reply)) await abort(request, context);
      return reply;
    } catch (error) {
      await abort(request, context);
      throw error;
    }
  };
}

function isOk(reply: Buffer | Document): boolean {
  return Buffer.isBuffer(reply) ? valueIn(reply, 'code') === undefined : Number(reply.ok) === 1;
}

/** Aborts a transaction on the shards that can be reached. */
async function abort(request: Request, { connections, transactions }: Context): Promise<void> {
  const identity = ['lsid', 'txnNumber', 'autocommit'].flatMap((name) => request.raw(name));
  const elements = [...encodeElements({ abortTransaction: 1, $db: 'admin' }), ...identity];
  await Promise.allSettled(transactions.of(request).participants.map((shard) => connections.send(shard, elements)));
}

/** Answers `commitTransaction` and `abortTransaction`. The servers commit in two phases when there are several participants. */
export const endTransaction: Handler = async (request, { connections, transactions }) => {
  const { participants } = transactions.of(request);
  const [coordinator] = participants;
  if (coordinator === undefined) return { ok: 1 };
  const rest = request.rest('recoveryToken');
  const send = async (shard: string, elements: readonly Buffer[]): Promise<Document> =>
    visible(decodeExactly(await connections.send(shard, [...elements, ...rest])));
  if (request.name === 'abortTransaction') {
    const [first = { ok: 1 }] = await Promise.all(participants.map((shard) => send(shard, [request.as(request.name)])));
    return first;
  }
  if (participants.length === 1) return await send(coordinator, [request.as(request.name)]);
  const all = { participants: participants.map((shardId) => ({ shardId })) };
  return await send(coordinator, [request.as('coordinateCommitTransaction'), ...encodeElements(all)]);
};
