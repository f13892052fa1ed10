import { lookAgain } from '../administration/look-again.ts';

/**
 * Sends a request, and again while the server is away or takes no more requests. An answer that was lost on its way makes the server get
 * the request twice: it then repeats its answer, or refuses to register a destination that it has.
 * @throws the reason of `stop` when that ends it, and the other errors of `send`
 */
export async function patiently<Answer>(send: () => Promise<Answer>, stop: AbortSignal): Promise<Answer> {
  // `lookAgain` takes an answer of undefined for a stop.
  for await (const [answer] of lookAgain(async () => [await send()] as const, stop)) return answer;
  throw stop.reason;
}
