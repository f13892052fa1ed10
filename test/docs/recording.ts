import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startPair } from '../support/replica-set.ts';
import { type Line, terminalSvg } from './terminal-svg.ts';

/**
 * `npm run docs:recording`: runs a plan, a migration and a comparison between real servers, and draws what a terminal shows of them, in real time,
 * into docs/images/terminal.svg. Run it while the machine has nothing else to do.
 */
const BIN = fileURLToPath(new URL('../../bin/linkspan', import.meta.url));
const IMAGE = new URL('../../docs/images/terminal.svg', import.meta.url);
const DOCUMENTS = 200_000;
/** The pause after a command, in which readers see that it has ended. */
const REST_MS = 800;

await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
const shop = pair.source.client.db('shop');
for (let first = 0; first < DOCUMENTS; first += 10_000) {
  const orders = Array.from({ length: 10_000 }, (_, n) => ({
    customer: (first + n) % 977,
    total: (first + n) * 3,
    note: 'By the door. '.repeat(20),
  }));
  await shop.collection('orders').insertMany(orders);
}
await shop.collection('orders').createIndex({ customer: 1, total: -1 });
await shop.collection('customers').insertMany(Array.from({ length: 977 }, (_, n) => ({ name: `Customer ${n}` })));

const lines: Line[] = [];
let atMs = 0;
for (const command of [
  'linkspan plan "$SOURCE" "$DESTINATION"',
  'linkspan sync --cluster0 "$SOURCE" --cluster1 "$DESTINATION" --once',
  'linkspan verify "$SOURCE" "$DESTINATION"',
]) {
  if (lines.length > 0) lines.push({ atMs, text: '', isTyped: false });
  lines.push({ atMs, text: `$ ${command}`, isTyped: true });
  atMs += REST_MS;
  const beganMs = performance.now();
  const env = { ...process.env, SOURCE: pair.source.uri, DESTINATION: pair.destination.uri, FORCE_COLOR: '1' };
  const child = spawn('bash', ['-c', command.replace('linkspan', BIN)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const input of [child.stdout, child.stderr]) {
    const since = atMs;
    createInterface({ input }).on('line', (text) => {
      lines.push({ atMs: since + performance.now() - beganMs, text, isTyped: false });
    });
  }
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${lines.map(({ text }) => text).join('\n')}`);
  atMs += performance.now() - beganMs + REST_MS;
}
writeFileSync(IMAGE, terminalSvg(lines));
