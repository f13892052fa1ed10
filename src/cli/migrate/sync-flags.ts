import type { CompressionMode } from '../../contract/index.ts';
import type { Verbosity } from '../../sync/index.ts';
import type { MetricsFlags } from '../command-line/metrics-options.ts';
import type { OutputFormat } from '../progress/index.ts';

/** The flags of `linkspan sync`. */
export interface SyncFlags extends MetricsFlags {
  readonly cluster0?: string;
  readonly cluster1?: string;
  readonly compression?: CompressionMode;
  readonly port?: number;
  readonly once?: boolean;
  /** False for `--no-verify`; undefined if no flag says it. */
  readonly verify?: 'repair' | 'report' | false;
  /** True if the flag names no side. */
  readonly dropDestination?: true | 'cluster0' | 'cluster1';
  readonly apiTokenFile?: string;
  readonly hooksFile?: string;
  readonly watchSourceMinutes?: number;
  readonly keepDestination?: boolean;
  readonly confirmDrops?: boolean;
  readonly takeOver?: boolean;
  readonly standby?: boolean;
  readonly acceptUntriedVersion?: boolean;
  readonly usersAndRoles?: boolean;
  readonly reversible?: boolean;
  readonly memoryMegabytes?: number;
  readonly loadLevel?: string;
  readonly maxMegabytesPerSecond?: number;
  readonly verbosity?: Verbosity;
  readonly logPath?: string;
  /** mongosync's name of `--no-verify`. */
  readonly disableVerification?: true;
  readonly config?: string;
  readonly output: OutputFormat;
}

export const DEFAULT_PORT = 27_182;
export const DEFAULT_WATCH_MINUTES = 60;
export const LOAD_LEVELS = [1, 2, 3, 4] as const;
/** The values of mongosync's `verbosity`. */
export const VERBOSITIES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'PANIC'] as const satisfies Verbosity[];
