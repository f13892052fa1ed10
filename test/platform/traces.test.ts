import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, beforeEach, test } from 'node:test';
import { propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { inWords, phaseName } from '../../src/contract/index.ts';
import { onFailpoint } from '../../src/platform/index.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
trace.setGlobalTracerProvider(provider);
/** The trace context of W3C, of which the SDK's core has an implementation that nothing else here needs. */
propagation.setGlobalPropagator({
  inject: () => undefined,
  fields: () => ['traceparent'],
  extract: (context, carrier) => {
    const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(String(carrier.traceparent)) ?? [];
    if (traceId === undefined || spanId === undefined) return context;
    return trace.setSpanContext(context, { traceId, spanId, traceFlags: 1, isRemote: true });
  },
});
after(() => provider.shutdown());
beforeEach(() => exporter.reset());

const spans = () => exporter.getFinishedSpans();

/** Waits until a span of that name has ended. */
const ended = (name: string) =>
  eventually(() => spans().find((span) => span.name === name), { what: `a span ${name}` });

test('a request is a span with its route and without the values in its path, below the span of its caller', async () => {
  await using plane = await startControlPlane();
  const [traceId, parent] = ['a'.repeat(32), 'b'.repeat(16)];
  const path = `/api/atlas/v2/orgs/${plane.orgId}`;
  const headers = { traceparent: `00-${traceId}-${parent}-01`, accept: 'application/vnd.atlas.2025-03-12+json' };
  assert.equal((await plane.api('GET', path, { headers })).status, 200);
  const isOfAnswer = ({ name, attributes }: ReadableSpan) =>
    name.endsWith('/orgs/:orgId') && attributes['http.response.status_code'] === 200;
  const span = await eventually(() => spans().find(isOfAnswer), { what: 'the span of the answer' });
  assert.deepEqual([span.name, span.kind], ['GET /api/atlas/v2/orgs/:orgId', SpanKind.SERVER]);
  assert.deepEqual([span.spanContext().traceId, span.parentSpanContext?.spanId], [traceId, parent]);
  assert.ok(!JSON.stringify(spans().map(({ name, attributes }) => [name, attributes])).includes(plane.orgId));
});

test('each phase of a migration is a span from its beginning to its end', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  await using running = RunningMigration.start(pair, {});
  await running.commit();
  for (const phase of phaseName.options) {
    const span = await ended(`migration ${inWords(phase)}`);
    assert.equal(span.attributes['linkspan.migration.id'], running.progress.migrationId);
    assert.equal(span.status.code, SpanStatusCode.UNSET);
    const { startedAt = '' } = running.progress.phases.find(({ name }) => name === phase) ?? {};
    assert.equal(Math.round(span.startTime[0] * 1_000 + span.startTime[1] / 1e6), Date.parse(startedAt));
  }
});

test('the phase in which a migration fails is a failed span', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  using _ = onFailpoint('engine.copy.batch-acknowledged', () => {
    throw new Error('broken');
  });
  await using running = RunningMigration.start(pair, {});
  await assert.rejects(running.outcome, /broken/);
  assert.equal((await ended('migration copying')).status.code, SpanStatusCode.ERROR);
});

test('without an SDK, nothing of OpenTelemetry is loaded', () => {
  const program = `
    import { traceWork } from '${new URL('../../src/platform/traces.ts', import.meta.url)}';
    traceWork({ name: 'work', startedAtMs: 1, endedAtMs: 2, attributes: {} });
    process.on('exit', () => console.log(Symbol.for('opentelemetry.js.api.1') in globalThis));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  assert.equal(stdout.trim(), 'false');
});
