import { startControlPlane } from '../atlas-api/control-plane.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { damageText } from './damage.ts';
import type { FuzzTarget } from './target.ts';

const PATH = '/api/atlas/v2/groups';
const WORDS = [
  'nc=00000002',
  'qop=auth-int',
  'algorithm=SHA-256',
  'username="',
  'uri="/"',
  'nonce=""',
  'Digest ',
  'Bearer ',
  'Basic ',
];
/** Bytes that HTTP allows in a header. */
const NOT_IN_A_HEADER = /[^\t\x20-\x7e\x80-\xff]/g;
const BETWEEN_GENUINE = 50;

/** Damaged `Authorization` headers. The server must refuse each without an internal error, and then still serve a valid key. */
export const digestHeaders: FuzzTarget = {
  name: 'digest headers',
  open: async () => {
    const plane = await startControlPlane({ rateLimits: false, failedAttemptsPerMinute: Number.POSITIVE_INFINITY });
    let attempts = 0;
    const attempt = async (random: SeededRandom) => {
      attempts += 1;
      const known = random.pick([plane.publicKey, 'nobody']);
      const genuine = `Digest username="${known}", realm="MMS Public API", nonce="abc", uri="${PATH}", response="${'0'.repeat(32)}", algorithm=MD5, cnonce="xyz", qop=auth, nc=00000001`;
      const authorization = damageText(random, genuine, WORDS).replaceAll(NOT_IN_A_HEADER, '').trim();
      const { status } = await fetch(plane.url + PATH, { headers: { authorization } });
      if (![400, 401, 431].includes(status))
        throw new Error(`${JSON.stringify(authorization)} is answered with ${status}`);
      if (attempts % BETWEEN_GENUINE !== 0) return;
      const answer = await plane.api('GET', PATH);
      if (answer.status !== 200) throw new Error(`after that a key is answered with ${answer.status}: ${answer.text}`);
    };
    return { attempt, [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose]() };
  },
};
