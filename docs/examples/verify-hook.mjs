// Verifies the signature of a Linkspan webhook (https://www.standardwebhooks.com).
// Usage: HOOK_SECRET=whsec_... node verify-hook.mjs ID TIMESTAMP SIGNATURE < BODY
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Returns whether one of the signatures is right. `body` has the bytes as they arrived, before any parsing. */
export function isSigned(secret, { id, timestamp, signature }, body, nowSeconds = Date.now() / 1000) {
  // An old request may be a replay.
  if (!(Math.abs(nowSeconds - Number(timestamp)) <= 300)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  return signature.split(' ').some((one) => {
    const [version, text] = one.split(',');
    const given = Buffer.from(text ?? '', 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

if (process.argv[1] === import.meta.filename) {
  const [id, timestamp, signature] = process.argv.slice(2);
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const isRight = isSigned(process.env.HOOK_SECRET, { id, timestamp, signature }, body);
  console.log(isRight ? JSON.parse(body).type : 'not signed');
  process.exitCode = isRight ? 0 : 1;
}
