import { type ClientRequest, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { type Clock, version } from '../platform/index.ts';
import type { Webhook } from './configuration.ts';
import type { HookEvent } from './event.ts';
import { guardedLookup, hostOf, refusedHost } from './hook-address.ts';
import { signatures } from './signature.ts';

/**
 * Sends one event, signed as Standard Webhooks specifies. Resolves when the receiver has answered with 2xx. It follows
 * no redirect and reads no body of an answer.
 * @param signal  aborts at the time limit, or when the process stops
 * @throws Error with the reason, which has neither the secret nor the path of the URL
 */
export async function sendWebhook(
  { url, keys }: Webhook,
  event: HookEvent,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const refusal = refusedHost(url);
  if (refusal !== undefined) throw new Error(`refused to connect to ${hostOf(url)}: it is ${refusal}`);
  const body = JSON.stringify(event);
  const timestamp = String(Math.floor(clock.now() / 1000));
  const status = await answerOf(
    (url.protocol === 'https:' ? requestTls : requestPlain)(url, {
      method: 'POST',
      // A connection of its own: one that was kept could lead to an address that was checked long ago.
      agent: false,
      lookup: guardedLookup,
      signal,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': `linkspan/${version}`,
        'webhook-id': event.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signatures(keys(), { id: event.id, timestamp, body }),
      },
    }),
    body,
  );
  if (status >= 200 && status < 300) return;
  const redirect = status >= 300 && status < 400 ? ', and redirects are not followed' : '';
  throw new Error(`${hostOf(url)} answered with status ${status}${redirect}`);
}

/** Returns the status of the answer. Closes the connection before it reads a body. */
async function answerOf(request: ClientRequest, body: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      response.on('error', () => undefined);
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    request.end(body);
  });
}
