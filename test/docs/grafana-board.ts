/** One panel of the board. */
interface Panel {
  readonly title: string;
  readonly type: 'stat' | 'timeseries' | 'bargauge';
  /** A unit of Grafana. */
  readonly unit: string;
  /** Expressions, each with the text of its legend. */
  readonly shows: readonly (readonly [expr: string, legend: string])[];
  /** Texts for values that are numbers of a state. */
  readonly texts?: Readonly<Record<string, string>>;
}

const OF = '{migration=~"$migration"}';
const YES_NO = { 0: 'no', 1: 'yes' };
const per = (name: string) => `rate(${name}${OF}[$__rate_interval])`;

const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  'What is happening': [
    {
      title: 'State',
      type: 'stat',
      unit: 'none',
      shows: [['linkspan_migration_state{migration=~"$migration"} == 1', '{{migration}} {{state}}']],
      texts: { 1: 'now' },
    },
    {
      title: 'Status in the API',
      type: 'stat',
      unit: 'none',
      shows: [['linkspan_migration_status{migration=~"$migration"} == 1', '{{migration}} {{status}}']],
      texts: { 1: 'now' },
    },
    {
      title: 'Ready for cutover',
      type: 'stat',
      unit: 'none',
      shows: [[`linkspan_ready_for_cutover${OF}`, '{{migration}}']],
      texts: YES_NO,
    },
    { title: 'Things it waits for', type: 'stat', unit: 'none', shows: [[`linkspan_waits${OF}`, '{{migration}}']] },
    {
      title: 'Agents, last heard',
      type: 'stat',
      unit: 's',
      shows: [['time() - linkspan_agent_last_seen_timestamp_seconds', '{{host}}']],
    },
  ],
  'Initial sync': [
    {
      title: 'Copied',
      type: 'timeseries',
      unit: 'percentunit',
      shows: [[`linkspan:copied:ratio${OF}`, '{{migration}}']],
    },
    {
      title: 'Copy rate',
      type: 'timeseries',
      unit: 'Bps',
      shows: [[`deriv(linkspan_copied_bytes${OF}[$__rate_interval])`, '{{migration}}']],
    },
    {
      title: 'Collections and indexes',
      type: 'timeseries',
      unit: 'none',
      shows: [
        [`linkspan_copied_collections${OF}`, '{{migration}} collections copied'],
        [`linkspan_collections${OF}`, '{{migration}} collections'],
        [`linkspan_indexes${OF}`, '{{migration}} indexes {{state}}'],
      ],
    },
    {
      title: 'What limits it: shares of the last minute',
      type: 'timeseries',
      unit: 'percentunit',
      shows: [[`linkspan_time_share_ratio${OF}`, '{{migration}} {{use}}']],
    },
  ],
  Changes: [
    { title: 'Lag', type: 'timeseries', unit: 's', shows: [[`linkspan_lag_seconds${OF}`, '{{migration}}']] },
    {
      title: 'Changes',
      type: 'timeseries',
      unit: 'ops',
      shows: [
        [per('linkspan_events_read_total'), '{{migration}} read'],
        [per('linkspan_events_applied_total'), '{{migration}} applied'],
      ],
    },
    { title: 'Waiting keys', type: 'timeseries', unit: 'none', shows: [[`linkspan_queue_keys${OF}`, '{{migration}}']] },
    {
      title: "The source's oplog",
      type: 'timeseries',
      unit: 's',
      shows: [
        [`linkspan_oplog_headroom_seconds${OF}`, '{{migration}} until changes are lost'],
        [`linkspan_source_oplog_window_seconds${OF}`, '{{migration}} held'],
        [`linkspan_shard_oplog_headroom_seconds${OF}`, '{{migration}} shard {{shard}} until changes are lost'],
      ],
    },
    {
      title: 'Writes of the shards of a source',
      type: 'timeseries',
      unit: 'wps',
      shows: [[`linkspan_shard_writes_per_second${OF}`, '{{migration}} {{shard}}']],
    },
  ],
  'Verification and clusters': [
    {
      title: 'Compared',
      type: 'timeseries',
      unit: 'percentunit',
      shows: [
        [`linkspan_verified_documents${OF} / (linkspan_verification_expected_documents${OF} > 0)`, '{{migration}}'],
      ],
    },
    {
      title: 'Differing documents',
      type: 'timeseries',
      unit: 'none',
      shows: [[`linkspan_verification_mismatches${OF}`, '{{migration}} {{state}}']],
    },
    {
      title: 'Round trip to the primaries',
      type: 'timeseries',
      unit: 's',
      shows: [[`linkspan_ping_seconds${OF}`, '{{migration}} {{side}}']],
    },
  ],
  Cutover: [
    {
      title: 'Users can write to neither side',
      type: 'stat',
      unit: 'none',
      shows: [[`linkspan_source_blocked${OF}`, '{{migration}}']],
      texts: YES_NO,
    },
    {
      title: 'Write pause of the last cutover',
      type: 'stat',
      unit: 's',
      shows: [[`linkspan_write_pause_seconds${OF}`, '{{migration}}']],
    },
    {
      title: 'Steps of the last cutover',
      type: 'bargauge',
      unit: 's',
      shows: [[`linkspan_cutover_step_seconds${OF}`, '{{migration}} {{step}}']],
    },
  ],
  Failback: [
    {
      title: 'State of the failback',
      type: 'stat',
      unit: 'none',
      shows: [['linkspan_failback_state{migration=~"$migration"} == 1', '{{migration}} {{state}}']],
      texts: { 1: 'now' },
    },
    {
      title: 'Ready to return',
      type: 'stat',
      unit: 'none',
      shows: [[`linkspan_failback_ready${OF}`, '{{migration}}']],
      texts: YES_NO,
    },
    {
      title: 'Lag of the failback',
      type: 'timeseries',
      unit: 's',
      shows: [[`linkspan_failback_lag_seconds${OF}`, '{{migration}}']],
    },
    {
      title: 'Until the failback loses changes',
      type: 'timeseries',
      unit: 's',
      shows: [[`linkspan_failback_oplog_headroom_seconds${OF}`, '{{migration}}']],
    },
  ],
  Processes: [
    {
      title: 'Processor time',
      type: 'timeseries',
      unit: 'percentunit',
      shows: [
        ['rate(process_cpu_seconds_total[$__rate_interval]) and on (instance) linkspan_build_info', '{{instance}}'],
      ],
    },
    {
      title: 'Memory',
      type: 'timeseries',
      unit: 'bytes',
      shows: [['process_resident_memory_bytes and on (instance) linkspan_build_info', '{{instance}}']],
    },
    {
      title: 'Versions',
      type: 'stat',
      unit: 'none',
      shows: [['linkspan_build_info', '{{command}} {{version}}']],
      texts: { 1: 'runs' },
    },
  ],
};

const WIDTH = 24;
const HEIGHT = 8;
/** The data source that the reader of the board chooses. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana
export const CHOSEN = '${datasource}';
const DATASOURCE = { type: 'prometheus', uid: CHOSEN };

/** All expressions of the board. */
export const boardExpressions: readonly string[] = Object.values(ROWS).flatMap((panels) =>
  panels.flatMap(({ shows }) => shows.map(([expr]) => expr)),
);

/** Returns deploy/grafana/linkspan.json. */
export function grafanaBoard(): string {
  let id = 0;
  let y = 0;
  const panels: object[] = [];
  for (const [title, row] of Object.entries(ROWS)) {
    panels.push({ id: ++id, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: WIDTH, h: 1 }, panels: [] });
    const width = Math.floor(WIDTH / row.length);
    for (const [nth, panel] of row.entries()) {
      panels.push(panelOf(++id, panel, { x: nth * width, y: y + 1, w: width, h: HEIGHT }));
    }
    y += HEIGHT + 1;
  }
  const migrations = 'label_values(linkspan_migration_state, migration)';
  const board = {
    uid: 'linkspan',
    title: 'Linkspan',
    tags: ['mongodb', 'linkspan'],
    schemaVersion: 39,
    timezone: 'utc',
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        {
          name: 'migration',
          label: 'Migration',
          type: 'query',
          datasource: DATASOURCE,
          definition: migrations,
          query: { query: migrations, refId: 'migrations' },
          refresh: 2,
          multi: true,
          includeAll: true,
          allValue: '.*',
        },
      ],
    },
    panels,
  };
  return `${JSON.stringify(board, null, 2)}\n`;
}

function panelOf(id: number, { title, type, unit, shows, texts = {} }: Panel, gridPos: object): object {
  const options = Object.fromEntries(Object.entries(texts).map(([value, text]) => [value, { text }]));
  const mappings = Object.keys(options).length === 0 ? [] : [{ type: 'value', options }];
  const targets = shows.map(([expr, legendFormat], nth) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + nth),
    datasource: DATASOURCE,
    expr,
    legendFormat,
  }));
  const defaults = { unit, mappings };
  return { id, type, title, datasource: DATASOURCE, gridPos, fieldConfig: { defaults, overrides: [] }, targets };
}
