import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { METRICS } from '../../src/metrics/catalogue.ts';
import { MetricsRegistry } from '../../src/metrics/registry.ts';
import type { Sample } from '../../src/metrics/sample.ts';

const shipped = (name: string) => new URL(`../../deploy/prometheus/${name}`, import.meta.url).pathname;
const withoutPromtool = spawnSync('promtool', ['--version']).error !== undefined && 'promtool is not installed';

function promtool(words: readonly string[], input?: string): void {
  const { status, stdout, stderr } = spawnSync('promtool', words, { encoding: 'utf8', input });
  assert.equal(status, 0, `promtool ${words.join(' ')}\n${stdout}${stderr}`);
}

test('the shipped rules name only metrics that exist, and each alert has a chapter in docs/operate/troubleshooting.md', () => {
  const troubleshooting = readFileSync(new URL('../../docs/operate/troubleshooting.md', import.meta.url), 'utf8');
  const monitoring = readFileSync(new URL('../../docs/operate/monitoring.md', import.meta.url), 'utf8');
  let alerts = 0;
  for (const file of ['rules.yml', 'alerts.yml']) {
    const text = readFileSync(shipped(file), 'utf8');
    for (const { expr, alert, annotations } of parse(text).groups[0].rules) {
      for (const [name] of expr.matchAll(/\blinkspan_[a-z_]+/g)) assert.ok(name in METRICS, `${file}: ${name}`);
      if (alert === undefined) continue;
      alerts += 1;
      assert.match(troubleshooting, new RegExp(`^### ${alert}$`, 'm'));
      const runbook = `https://manual.example.net/docs/operate/troubleshooting.html#${alert.toLowerCase()}`;
      assert.equal(annotations.runbook_url, runbook);
      assert.ok(monitoring.includes(`\`${alert}\``), alert);
    }
  }
  assert.equal(alerts, 11);
});

test('promtool accepts the shipped rules, and their tests pass', { skip: withoutPromtool }, () => {
  promtool(['check', 'rules', shipped('rules.yml'), shipped('alerts.yml')]);
  promtool(['test', 'rules', shipped('alerts.test.yml')]);
});

test('promtool has no complaint about the names of the metrics', { skip: withoutPromtool }, async () => {
  const samples = Object.entries(METRICS).map(
    ([name, { labels }]) =>
      ({ name, labels: Object.fromEntries(labels.map((label) => [label, 'x'])), value: 1 }) as unknown as Sample,
  );
  const { text } = await new MetricsRegistry().render(samples, 'prometheus');
  const own = text.split('\n').filter((line) => /^(# \w+ )?linkspan_/.test(line));
  assert.equal(own.length, 3 * samples.length);
  promtool(['check', 'metrics'], `${own.join('\n')}\n`);
});
