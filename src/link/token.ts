import { hash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { UserError } from '../platform/index.ts';
import { bytesFromBase62, bytesToBase62, randomBase62, toBase62 } from './base62.ts';
import { KEY_PIN_PATTERN } from './key-pin.ts';
import { PUBLIC_KEY_PATTERN } from './signing-key.ts';

/**
 * The published pattern of link-tokens, for secret scanners: a typed prefix, a public id, a secret of 256 bits, a payload for the agent,
 * and a checksum for an offline check. It has only letters, digits and `_`, so that a double click selects all of it.
 */
export const LINK_TOKEN_PATTERN = /\bmlt_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{2,1000}_[0-9A-Za-z]{6}\b/;

const PARTS = /^(mlt_([0-9A-Za-z]{12})_([0-9A-Za-z]{43})_([0-9A-Za-z]{2,1000}))_([0-9A-Za-z]{6})$/;
const TIME_LENGTH = 7;
const TAIL_LENGTH = 5;
const TAILS = 62 ** TAIL_LENGTH;
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;

/** The payload of a token. Readers ignore unknown keys, so that later versions can add some. */
const payload = z.object({
  url: z.url({ protocol: /^https?$/ }),
  pin: z.string().regex(KEY_PIN_PATTERN).optional(),
  key: z.string().regex(PUBLIC_KEY_PATTERN),
});

export interface LinkToken {
  /** Public; may be logged and shown. */
  readonly id: string;
  /** Redeems the token. The control plane stores only its {@link hashSecret}. */
  readonly secret: string;
  /** URL of the control plane, without a slash at the end. */
  readonly serverUrl: string;
  /** Pin of the only certificate that the agent trusts there ({@link keyPinOf}). When absent, the agent uses its machine's CAs. */
  readonly keyPin: string | undefined;
  /** Public key with which the control plane signs its answers. */
  readonly serverKey: string;
}

/** Creates a link-token for agents of a control plane. */
export function newLinkToken(
  {
    serverUrl,
    keyPin,
    serverKey,
  }: Pick<LinkToken, 'serverUrl' | 'serverKey'> & { readonly keyPin?: string | undefined },
  nowMs: number = Date.now(),
): LinkToken {
  return {
    id: newTokenId(nowMs),
    secret: randomBase62(SECRET_LENGTH),
    serverUrl: serverUrl.replace(/\/+$/, ''),
    keyPin,
    serverKey,
  };
}

let newest = { ms: 0, tail: 0 };

/**
 * An id that is greater than all earlier ones: the milliseconds since the epoch, and a tail that starts at random and counts up within a
 * millisecond. Tokens of one commit are then neighbours in the store, which writes a few pages for all instead of one or two for each.
 */
function newTokenId(nowMs: number): string {
  const { ms, tail } = newest;
  if (nowMs > ms) newest = { ms: nowMs, tail: randomInt(TAILS) };
  else newest = tail + 1 < TAILS ? { ms, tail: tail + 1 } : { ms: ms + 1, tail: 0 };
  return toBase62(newest.ms, TIME_LENGTH) + toBase62(newest.tail, TAIL_LENGTH);
}

/** Writes the token as text for the operator of the agent. */
export function formatLinkToken({ id, secret, serverUrl, keyPin, serverKey }: LinkToken): string {
  const content = JSON.stringify({ url: serverUrl, pin: keyPin, key: serverKey });
  const body = `mlt_${id}_${secret}_${encodedPayload(content)}`;
  return `${body}_${checksum(body)}`;
}

/** Cache: all tokens of a server have the same payload, and encoding it in base 62 costs more than the rest of a token. */
let encodedLast: { readonly content: string; readonly encoded: string } | undefined;

function encodedPayload(content: string): string {
  if (encodedLast?.content !== content) encodedLast = { content, encoded: bytesToBase62(Buffer.from(content)) };
  return encodedLast.encoded;
}

/**
 * Reads a token as a user pasted it; surrounding white space is ignored.
 * @throws UserError LINK_TOKEN_MALFORMED, LINK_TOKEN_CHECKSUM; none quotes any of the text
 */
export function parseLinkToken(text: string): LinkToken {
  const [, body, id, secret, encoded, sum] = PARTS.exec(text.trim()) ?? [];
  if (!body || !id || !secret || !encoded || !sum) throw new UserError('LINK_TOKEN_MALFORMED');
  if (checksum(body) !== sum) throw new UserError('LINK_TOKEN_CHECKSUM');
  const read = payload.safeParse(parseJson(bytesFromBase62(encoded)));
  if (!read.success) throw new UserError('LINK_TOKEN_MALFORMED');
  const { url, pin: keyPin, key: serverKey } = read.data;
  return { id, secret, serverUrl: url.replace(/\/+$/, ''), keyPin, serverKey };
}

/** The hash of a secret that the control plane stores: SHA-256, base64url. A fast hash is enough for 256 random bits. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

function checksum(body: string): string {
  return toBase62(crc32(body), CHECKSUM_LENGTH);
}

function parseJson(bytes: Buffer | null): unknown {
  try {
    return bytes && JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
