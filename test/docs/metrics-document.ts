import { METRICS } from '../../src/metrics/catalogue.ts';

const INTRODUCTION = `# Metrics

For operators who write rules and dashboards. After reading it you know every metric of Linkspan, its labels and when it is
absent. This page is generated from \`src/metrics/catalogue.ts\` by \`npm run docs\`;
[Monitoring](../operate/monitoring.md) says how to switch metrics on.

An unknown value has no sample. A migration has its series from its start; before its engine has loaded its records, only its
state and waits. The series of a migration vanish with it. Counters count what this process has done, so they begin at 0
with each start.

The processes also have prom-client's \`process_*\` and \`nodejs_*\` metrics.
`;

const CHAPTERS = {
  'every command': 'Every command',
  migrations:
    'Migrations\n\nIn `agent` and `sync`, and in `serve` for migrations whose agent was heard within 25 seconds. ' +
    '`serve` keeps\n`linkspan_source_blocked`, `linkspan_write_pause_seconds` and `linkspan_cutover_step_seconds` after that.',
  serve: '`linkspan serve` only',
} as const;

/** Returns docs/reference/metrics.md, made from the catalogue. */
export function metricsDocument(): string {
  const chapters = Object.entries(CHAPTERS).map(([of, title]) => {
    const rows = Object.entries(METRICS)
      .filter(([, metric]) => metric.of === of)
      .map(([name, { type, labels, help }]) => `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} |\n`);
    return `\n## ${title}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n${rows.join('')}`;
  });
  return INTRODUCTION + chapters.join('');
}
