import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { DigestClient } from '../../src/digest/index.ts';
import { progress } from '../../test/atlas-api/migration-world.ts';
import { planeAt } from '../../test/atlas-api/plane-at.ts';
import { start } from '../../test/atlas-api/started-migration.ts';
import { AtlasClient } from '../../test/support/atlas-client.ts';
import type { Attack, Attacker } from './attacks.ts';

const { attack, url, orgId, owner, reader } = workerData as Attacker;
const { hostname, port } = new URL(url);

/** Repeats work on several connections at once. Attackers don't stop at refusals. */
async function forever(connections: number, work: () => Promise<unknown>): Promise<void> {
  parentPort?.postMessage('begun');
  const repeat = async () => {
    for (;;) await work().catch(() => delay(20));
  };
  await Promise.all(Array.from({ length: connections }, repeat));
}

/** A connection that writes something and never reads; resolves when the server closes it. */
async function unread(text: string): Promise<void> {
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  socket.pause();
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  await delay(100);
}

const attacks: Readonly<Record<Attack, () => Promise<void>>> = {
  none: () => forever(0, async () => undefined),
  '900 readers that take no answer': () =>
    forever(900, () => unread('GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(20))),
  '900 bodies that never end': () =>
    forever(900, () =>
      unread(`POST /link/v1/redeem HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n${'x'.repeat(7_000)}`),
    ),
  'reports of 1 MB': async () => {
    const { agent } = await start(planeAt(url, orgId, owner));
    const validations = Array.from({ length: 1_000 }, () => ({ findings: Array.from({ length: 470 }, () => 0) }));
    await forever(4, () => agent.report({ validations }));
  },
  'bodies of 4 MB with a key that may only read': async () => {
    const body = JSON.stringify({ name: 'x'.repeat(4_000_000), orgId });
    const headers = { 'content-type': 'application/json', accept: 'application/vnd.atlas.2024-08-05+json' };
    const client = new DigestClient(url, ...reader);
    await forever(16, () => client.fetch('/api/atlas/v2/groups', { method: 'POST', headers, body }));
  },
  '20 pages that follow a migration with 1 MB of progress': async () => {
    const { path, id, agent } = await start(planeAt(url, orgId, owner));
    const warnings = Array.from({ length: 250 }, () => 'x'.repeat(4_000));
    let etaSeconds = 0;
    const report = () => {
      etaSeconds += 1;
      return agent.report({ migrations: [{ id, progress: progress(id, { etaSeconds, warnings }) }] });
    };
    await report();
    const client = new DigestClient(url, ...owner);
    const follow = async () => {
      const answer = await client.fetch(`${path}/${id}`, { headers: { accept: 'text/event-stream' } });
      for await (const _chunk of answer.body ?? []);
    };
    const change = async () => {
      await report();
      await delay(500);
    };
    await Promise.all([forever(20, follow), forever(1, change)]);
  },
  'verifications of all audit records': async () => {
    const client = new AtlasClient(url, ...owner);
    await forever(8, () => client.request('GET', `/orgs/${orgId}/events/verification`));
  },
};

// Never ends by itself, and a failure ends the thread.
void attacks[attack]();
