import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptedFormat } from '../../src/metrics/accepted-format.ts';
import { METRICS } from '../../src/metrics/catalogue.ts';
import { MetricsRegistry } from '../../src/metrics/registry.ts';
import type { Sample } from '../../src/metrics/sample.ts';
import { scraped } from './scraped.ts';

const lag = (migration: string, value: number): Sample => ({
  name: 'linkspan_lag_seconds',
  labels: { migration },
  value,
});

test('quotes, backslashes and line breaks in a label are escaped, so no value can add a series', async () => {
  const { text } = await new MetricsRegistry().render(
    [lag('a"} 0\nlinkspan_lag_seconds{migration="b\\', 7)],
    'prometheus',
  );
  const lines = text.split('\n').filter((line) => line.startsWith('linkspan_'));
  assert.deepEqual(lines, ['linkspan_lag_seconds{migration="a\\"} 0\\nlinkspan_lag_seconds{migration=\\"b\\\\"} 7']);
});

test('a sample that is not a finite number is left out', async () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, 3].map((value, index) => lag(String(index), value));
  const { text } = await new MetricsRegistry().render(values, 'prometheus');
  assert.deepEqual(
    [...scraped(text)].filter(([name]) => name.startsWith('linkspan_')),
    [['linkspan_lag_seconds{migration="2"}', 3]],
  );
});

test('a series vanishes with the scrape in which it has no sample', async () => {
  const registry = new MetricsRegistry();
  await registry.render([lag('1', 5)], 'prometheus');
  const { text } = await registry.render([], 'prometheus');
  assert.ok(!text.includes('linkspan_lag_seconds'));
});

test('both formats can be scraped by turns, with the metrics of the process', async () => {
  const registry = new MetricsRegistry();
  const sample: Sample = { name: 'linkspan_events_read_total', labels: { migration: '1' }, value: 4 };
  for (const format of ['prometheus', 'openmetrics', 'prometheus', 'openmetrics'] as const) {
    const { text, contentType } = await registry.render([sample], format);
    const isOpen = format === 'openmetrics';
    assert.match(contentType, isOpen ? /^application\/openmetrics-text/ : /^text\/plain/);
    assert.equal(text.endsWith('\n# EOF\n'), isOpen);
    assert.match(
      text,
      isOpen ? /^# TYPE linkspan_events_read counter$/m : /^# TYPE linkspan_events_read_total counter$/m,
    );
    assert.equal(scraped(text).get('linkspan_events_read_total{migration="1"}'), 4);
    assert.ok((scraped(text).get('process_cpu_seconds_total') ?? 0) > 0, text);
  }
});

test('OpenMetrics is sent to those that prefer it', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  assert.equal(acceptedFormat(prometheus), 'openmetrics');
  for (const header of [
    undefined,
    '',
    '*/*',
    'text/plain',
    'application/openmetrics-text;q=0',
    'text/plain, application/openmetrics-text;q=0.5',
  ]) {
    assert.equal(acceptedFormat(header), 'prometheus', header);
  }
});

test('names of metrics follow the conventions', () => {
  for (const [name, { type, labels, help }] of Object.entries(METRICS)) {
    assert.match(name, /^linkspan_[a-z_]+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.ok(!/_(ms|milliseconds|megabytes|minutes|hours|percent|count)$/.test(name), name);
    assert.ok(help.endsWith('.') && labels.every((label) => /^[a-z]+$/.test(label)), name);
  }
});
