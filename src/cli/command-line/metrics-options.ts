import type { Option } from 'commander';
import { setting } from '../terminal/setting.ts';

/** The metrics settings of a command as given: flags, or `LINKSPAN_…` variables of the same names. */
export interface MetricsFlags {
  readonly metricsListen?: string;
  readonly metricsTokenFile?: string;
}

/** The options of the metrics of `serve`, `agent` and `sync`. */
export const metricsOptions = (): readonly [Option, Option] => [
  setting('metrics-listen', '<host:port>', 'Address to serve metrics and health on; off by default'),
  setting('metrics-token-file', '<file>', 'File of mode 600 with the token of scrapes; needed unless on loopback'),
];
