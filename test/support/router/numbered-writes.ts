import type { Document } from 'mongodb';
import { eventually } from '../eventually.ts';
import type { Routing } from './catalog.ts';
import type { Context, Handler } from './context.ts';
import { decodeExactly, encodeElements } from './elements.ts';
import { isNotPrimary, Refusal, visible } from './refusal.ts';
import type { Request } from './request.ts';
import { type Target, targetsOf } from './targeting.ts';
import { Unreachable } from './upstream.ts';
import { isStale } from './versions.ts';

/** The field with a write's statements. `findAndModify` is its own only statement. */
const STATEMENTS: Readonly<Record<string, string>> = { insert: 'documents', update: 'updates', delete: 'deletes' };
/** How long a write follows chunks that move. */
const STALE_DEADLINE_MS = 30_000;
/** How often a router sends a retryable write to a shard that it can't reach. As in the server. */
const NETWORK_ATTEMPTS = 3;

/** Statements that go to the same shards, by their indexes in the command. */
interface Group {
  readonly shards: readonly string[];
  readonly indexes: number[];
}

/**
 * Sends a write that has a transaction number, or `findAndModify`, to the shards that own what it writes. A shard's own router code can't:
 * a number aborts its process.
 */
export const sendNumbered: Handler = async (request, context) => {
  // A shard aborts the transaction in which a statement was stale, so only a client can repeat it.
  if (request.inTransaction) return await new NumberedWrite(request, context).send();
  let stale: Document | undefined;
  const attempt = async (): Promise<Outcome | undefined> => {
    const outcome = await resend(request, context).then(
      (reply): Outcome => ({ reply }),
      (error: unknown): Outcome => ({ error }),
    );
    stale = outcome.reply && staleIn(outcome.reply);
    return stale ? undefined : outcome;
  };
  const what = `the chunks of ${request.namespace} to stay`;
  const { reply, error } = await eventually(attempt, { deadlineMs: STALE_DEADLINE_MS, what }).catch((late: unknown) => {
    throw stale ? Refusal.from(stale) : late;
  });
  if (!reply) throw error;
  return reply;
};

interface Outcome {
  readonly reply?: Document;
  readonly error?: unknown;
}

/** Sends a retryable write again while its shard has no primary. After that, clients are not told to repeat it, as by the server. */
async function resend(request: Request, context: Context): Promise<Document> {
  for (let attempt = 1; ; attempt++) {
    const isLast = !request.isNumbered || attempt === NETWORK_ATTEMPTS;
    try {
      const { errorLabels, ...reply } = await new NumberedWrite(request, context).send();
      if (isLast || !isNotPrimary(reply.code)) return reply;
    } catch (error) {
      if (isLast || !(error instanceof Unreachable)) throw error;
    }
  }
}

/** Returns the error by which a shard says that it no longer has what the catalog said. */
function staleIn(reply: Document): Document | undefined {
  return [reply, ...(reply.writeErrors ?? [])].find(({ code }) => isStale(code));
}

class NumberedWrite {
  readonly #request: Request;
  readonly #context: Context;
  readonly #field: string | undefined;
  readonly #statements: readonly Buffer[];
  readonly #total: Document;
  readonly #errors: Document[] = [];
  readonly #upserted: Document[] = [];

  constructor(request: Request, context: Context) {
    this.#request = request;
    this.#context = context;
    this.#field = STATEMENTS[request.name];
    this.#statements = this.#field === undefined ? [request.body] : request.documents(this.#field);
    this.#total = { n: 0, ...(request.name === 'update' ? { nModified: 0 } : {}), ok: 1 };
  }

  async send(): Promise<Document> {
    const { catalog } = this.#context;
    const routing = await catalog.routing(this.#request.db, this.#request.target, { create: true });
    const ordered = this.#request.get('ordered') !== false;
    const targets = await targetsOf(this.#request, routing, this.#statements, catalog);
    const groups = this.#grouped(targets, ordered);
    const failed = ordered ? await this.#oneByOne(groups, routing) : await this.#atOnce(groups, routing);
    return failed ? visible(failed) : this.#reply();
  }

  /** Ordered writes keep their order, so that only neighbours go together. */
  #grouped(targets: readonly Target[], ordered: boolean): Group[] {
    const groups: Group[] = [];
    for (const [index, target] of targets.entries()) {
      if ('error' in target) {
        this.#errors.push({ index, ...target.error });
        if (ordered) break;
        continue;
      }
      const candidates = ordered ? groups.slice(-1) : groups;
      const same = candidates.find(({ shards }) => shards.join() === target.shards.join());
      if (same) same.indexes.push(index);
      else groups.push({ shards: target.shards, indexes: [index] });
    }
    return groups;
  }

  async #oneByOne(groups: readonly Group[], routing: Routing): Promise<Document | undefined> {
    // The error of a later statement that has no target counts only when all earlier ones succeed.
    const untargeted = this.#errors.splice(0);
    for (const group of groups) {
      const failed = this.#take(group, await this.#sendGroup(group, routing));
      if (failed || this.#errors.length > 0) return failed;
    }
    this.#errors.push(...untargeted);
    return undefined;
  }

  async #atOnce(groups: readonly Group[], routing: Routing): Promise<Document | undefined> {
    const replies = await Promise.all(groups.map((group) => this.#sendGroup(group, routing)));
    return groups.map((group, n) => this.#take(group, replies[n] ?? [])).find((failed) => failed !== undefined);
  }

  #sendGroup({ shards, indexes }: Group, routing: Routing): Promise<Document[]> {
    const field = this.#field;
    const of = <T>(list: readonly T[]): T[] => indexes.flatMap((index) => list[index] ?? []);
    return Promise.all(
      shards.map(async (shard) => {
        const { connections, transactions } = this.#context;
        const elements = transactions.elementsFor(this.#request, routing, shard, ['stmtIds', field ?? '']);
        if (field === undefined) return decodeExactly(await connections.send(shard, elements));
        // A shard that receives some statements of a write must know each by its place in the whole.
        const ids: number[] = this.#request.get('stmtIds') ?? [...this.#statements.keys()];
        const isRetryable = this.#request.isNumbered && !this.#request.inTransaction;
        const stmtIds = isRetryable ? encodeElements({ stmtIds: of(ids) }) : [];
        return decodeExactly(await connections.send(shard, [...elements, ...stmtIds], [[field, of(this.#statements)]]));
      }),
    );
  }

  /** Adds up the replies of a group. @returns the reply that ends the command, if there is one */
  #take({ indexes }: Group, replies: readonly Document[]): Document | undefined {
    const inCommand = (result: Document) => ({ ...result, index: indexes[Number(result.index)] });
    for (const reply of replies) {
      if (!Number(reply.ok) || this.#field === undefined) return reply;
      this.#total.n += Number(reply.n ?? 0);
      if (reply.nModified !== undefined) this.#total.nModified += Number(reply.nModified);
      if (reply.writeConcernError) this.#total.writeConcernError = reply.writeConcernError;
      this.#errors.push(...(reply.writeErrors ?? []).map(inCommand));
      this.#upserted.push(...(reply.upserted ?? []).map(inCommand));
    }
    return undefined;
  }

  #reply(): Document {
    const reply = { ...this.#total };
    if (this.#request.inTransaction) reply.recoveryToken = {};
    if (this.#errors.length > 0) reply.writeErrors = this.#errors.toSorted((a, b) => a.index - b.index);
    if (this.#upserted.length > 0) reply.upserted = this.#upserted;
    return reply;
  }
}
