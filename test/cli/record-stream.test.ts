import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiClient } from '../../src/cli/administration/client.ts';
import { RecordStream } from '../../src/cli/administration/record-stream.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, prepare, progress } from '../atlas-api/migration-world.ts';

test('a watched migration costs no request for each of its changes', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  const id = String((await plane.api('POST', path, { body: cliBody(groupId) })).json._id);
  const remaining = async () => Number((await plane.api('GET', `${path}/${id}`)).headers.get('ratelimit-remaining'));
  const { url, publicKey, privateKey } = plane;
  const before = await remaining();
  using stream = new RecordStream(
    new ApiClient({ url, publicKey, privateKey }),
    `/groups/${groupId}/liveMigrations/${id}`,
  );
  for (const lagSeconds of [1, 2, 3, 4, 5]) {
    await agent.report({ migrations: [{ id, progress: progress(id, { state: 'FOLLOWING', lagSeconds }) }] });
    let seen: unknown;
    while (seen !== lagSeconds)
      ({ lagTimeSeconds: seen } = (await stream.look()) as { readonly lagTimeSeconds: unknown });
  }
  assert.ok(before - (await remaining()) <= 3, 'the stream, with its challenge, and the second look at the allowance');
});

test('a record is asked for where no stream passes, and after the end of each stream, by a stand-in for the server', async () => {
  const requests: string[] = [];
  const answers: (() => Promise<ReadableStream<Uint8Array>>)[] = [
    async () => new Blob([': hello\n\nid: 1\nevent: snapshot\ndata: "first"\n\n']).stream(),
    async () => new Blob(['id: 2\nevent: snapshot\ndata: "third"\n\nevent: end\ndata: {}\n\n']).stream(),
    async () => Promise.reject(new Error('No stream, with status 429')),
  ];
  const asked = ['second', 'fourth', 'fifth', 'sixth'];
  const api = {
    ask: async () => {
      requests.push('ask');
      return asked.shift();
    },
    stream: async () => {
      requests.push('stream');
      return (await answers.shift()?.()) ?? assert.fail();
    },
  };
  using stream = new RecordStream(api, '/record');
  const seen: unknown[] = [];
  for (let look = 0; look < 6; look += 1) seen.push(await stream.look());
  assert.deepEqual(seen, ['first', 'second', 'third', 'fourth', 'fifth', 'sixth']);
  assert.deepEqual(requests, ['stream', 'ask', 'stream', 'ask', 'stream', 'ask', 'ask']);
});
