import { z } from 'zod';
import { type CompressionMode, compressionMode, type VerificationMode } from '../contract/index.ts';
import { type BypassingWrites, LEAST_MEMORY_MEGABYTES } from '../engine/index.ts';
import { type MetricsFile, metricsFile, readConfiguration } from '../platform/index.ts';
import { type InitialLoad, loadFields } from './load-request.ts';
import { LOG_LEVELS, PROCESS_OPTIONS, type Verbosity } from './mongosync-options.ts';
import { type RequestedSelection, requestedSelection, selectionFields } from './requested-selection.ts';

const refused = (name: keyof typeof PROCESS_OPTIONS) => z.never({ error: PROCESS_OPTIONS[name].note }).optional();

const file = z.strictObject({
  cluster0: z.string().optional(),
  cluster1: z.string().optional(),
  compression: compressionMode.optional(),
  port: z.int().min(0).max(65_535).optional(),
  apiTokenFile: z.string().optional(),
  hooksFile: z.string().optional(),
  metrics: metricsFile.optional(),
  watchSourceMinutes: z.number().min(0).max(10_080).optional(),
  usersAndRoles: z.boolean().optional(),
  reversible: z.boolean().optional(),
  standby: z.boolean().optional(),
  acceptUntriedVersion: z.boolean().optional(),
  memoryMegabytes: z.number().min(LEAST_MEMORY_MEGABYTES).optional(),
  bypassingWrites: z.enum(['drain', 'giveUp']).optional(),
  verification: z.enum(['repair', 'report', 'off']).optional(),
  verbosity: z.enum(Object.keys(LOG_LEVELS) as Verbosity[]).optional(),
  logPath: z.string().min(1).optional(),
  disableVerification: z.boolean().optional(),
  acceptDisclaimer: z.boolean().optional(),
  disableTelemetry: z.boolean().optional(),
  disableMetricsLogging: z.boolean().optional(),
  enableCappedCollectionHandling: z.boolean().optional(),
  id: refused('id'),
  metricsLoggingFilepath: refused('metricsLoggingFilepath'),
  createIndexesBatchSize: refused('createIndexesBatchSize'),
  hotDocIDs: refused('hotDocIDs'),
  longRetryTime: refused('longRetryTime'),
  ...loadFields,
  ...selectionFields,
});

/** The settings of a configuration file. Flags override them. */
export interface SyncConfiguration {
  readonly cluster0?: string;
  readonly cluster1?: string;
  readonly compression?: CompressionMode;
  readonly port?: number;
  /** File with the token that API calls must send. */
  readonly apiTokenFile?: string;
  /** File with the commands and webhooks that get events. */
  readonly hooksFile?: string;
  readonly metrics?: MetricsFile;
  /** How long to watch the source after the commit; 0 for not at all. */
  readonly watchSourceMinutes?: number;
  readonly usersAndRoles?: boolean;
  /** Whether a migration can be reversed after the commit. */
  readonly reversible?: boolean;
  /** Whether to wait beside the process that leads the migration, and to take over from it. */
  readonly standby?: boolean;
  /** Whether to continue although a server is newer than those that Linkspan knows. */
  readonly acceptUntriedVersion?: boolean;
  readonly memoryMegabytes?: number;
  /** How a cutover treats writes of users who bypass the source's write block. */
  readonly bypassingWrites?: BypassingWrites;
  readonly verification?: VerificationMode;
  /** Initial load level and rate limit; undefined if the file has neither. */
  readonly load?: InitialLoad;
  readonly logLevel?: string;
  /** The directory of the log, in place of stderr. */
  readonly logPath?: string;
  /** Selection and names of a run with `--once`, in the fields of `/start`; undefined if the file has none of them. */
  readonly selection?: RequestedSelection;
}

/**
 * Reads a configuration file with those of mongosync's keys that Linkspan supports.
 * @throws UserError CONFIGURATION_UNREADABLE or CONFIGURATION_INVALID, naming the line and the key
 */
export function readSyncConfiguration(path: string): SyncConfiguration {
  const {
    cluster0,
    cluster1,
    compression,
    port,
    apiTokenFile,
    hooksFile,
    metrics,
    watchSourceMinutes,
    usersAndRoles,
    reversible,
    standby,
    acceptUntriedVersion,
    memoryMegabytes,
    bypassingWrites,
    verification,
    disableVerification,
    verbosity,
    logPath,
    loadLevel,
    maxMegabytesPerSecond,
    loadWindows,
    ...others
  } = readConfiguration(path, 'docs/migrate/sync.md', file);
  const selects = Object.keys(others).some((key) => Object.hasOwn(selectionFields, key));
  return {
    cluster0,
    cluster1,
    ...(compression === undefined ? {} : { compression }),
    port,
    ...(apiTokenFile === undefined ? {} : { apiTokenFile }),
    ...(hooksFile === undefined ? {} : { hooksFile }),
    ...(metrics === undefined ? {} : { metrics }),
    ...(watchSourceMinutes === undefined ? {} : { watchSourceMinutes }),
    usersAndRoles,
    reversible,
    ...(standby === undefined ? {} : { standby }),
    ...(acceptUntriedVersion === undefined ? {} : { acceptUntriedVersion }),
    ...(memoryMegabytes === undefined ? {} : { memoryMegabytes }),
    ...(bypassingWrites === undefined ? {} : { bypassingWrites }),
    ...(verification && { verification: verification.toUpperCase() as Uppercase<typeof verification> }),
    ...(disableVerification && { verification: 'OFF' }),
    ...([loadLevel, maxMegabytesPerSecond, loadWindows].every((one) => one === undefined)
      ? {}
      : { load: { loadLevel, maxMegabytesPerSecond, loadWindows } }),
    logLevel: verbosity && LOG_LEVELS[verbosity],
    ...(logPath === undefined ? {} : { logPath }),
    ...(selects ? { selection: requestedSelection(others) } : {}),
  };
}
