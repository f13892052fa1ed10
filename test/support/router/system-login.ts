import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Binary, type Document } from 'mongodb';
import type { Login, Upstream } from './upstream.ts';

const MECHANISM = 'SCRAM-SHA-256';

/** Returns the login of cluster members: the user `__system` with the key file's content as password (RFC 5802). */
export function systemLogin(keyFile: string): Login {
  const key = readFileSync(keyFile, 'utf8').replace(/\s/g, '');
  return async (upstream) => {
    const clientFirst = `n=__system,r=${randomBytes(18).toString('base64')}`;
    const options = { skipEmptyExchange: true };
    const first = await step(upstream, {
      saslStart: 1,
      mechanism: MECHANISM,
      payload: text(`n,,${clientFirst}`),
      options,
    });
    const serverFirst = String(first.payload.toString('utf8'));
    const {
      r = '',
      s = '',
      i = '',
    } = Object.fromEntries(serverFirst.split(',').map((part) => [part[0], part.slice(2)]));
    const withoutProof = `c=biws,r=${r}`;
    const salted = pbkdf2Sync(key, Buffer.from(s, 'base64'), Number(i), 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const storedKey = createHash('sha256').update(clientKey).digest();
    const signature = hmac(storedKey, `${clientFirst},${serverFirst},${withoutProof}`);
    const proof = Buffer.from(clientKey.map((byte, n) => byte ^ (signature[n] ?? 0))).toString('base64');
    const { conversationId } = first;
    await step(upstream, { saslContinue: 1, conversationId, payload: text(`${withoutProof},p=${proof}`) });
  };
}

async function step(upstream: Upstream, command: Document): Promise<Document> {
  const reply = await upstream.runNow('local', command);
  if (!reply.ok) throw new Error(`the router can't log in as __system: ${reply.errmsg}`);
  return reply;
}

function text(value: string): Binary {
  return new Binary(Buffer.from(value));
}

function hmac(secret: Buffer, value: string): Buffer {
  return createHmac('sha256', secret).update(value).digest();
}
