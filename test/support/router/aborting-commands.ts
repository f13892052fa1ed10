import { assemble, commandName } from './elements.ts';
import { isChangeStream, Request } from './request.ts';
import type { Sequences } from './wire.ts';

/**
 * Refuses a command that would abort the process of a shard (6.0.5 and 6.0.27). A shard's router code can't have a transaction number: its
 * invariant is that only a router's own sessions have one. It can't merge a change stream either.
 * @throws Error
 */
export function refuseAbortingCommand(elements: readonly Buffer[], sequences: Sequences = []): void {
  if (!commandName(elements).startsWith('cluster')) return;
  const request = new Request({ body: assemble(elements), sequences: new Map(sequences) });
  if (request.isNumbered) throw new Error(`${request.name} with a transaction number aborts the process of a shard`);
  if (isChangeStream(request)) throw new Error(`${request.name} with a change stream aborts the process of a shard`);
}
