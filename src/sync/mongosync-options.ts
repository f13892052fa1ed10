/** How Linkspan takes an option of mongosync. `no effect`: it is accepted, and there is nothing that it could change. */
interface MongosyncOption {
  readonly taken: 'same' | 'better' | 'different' | 'no effect' | 'refused';
  /** The note says how Linkspan differs. For a refused option it gives the reason, and what to do instead. */
  readonly note: string;
}

/** The options of mongosync's command line and YAML file, up to 1.22 (its pages on configuration and `mongosync`). */
export const PROCESS_OPTIONS = {
  cluster0: { taken: 'same', note: '' },
  cluster1: { taken: 'same', note: '' },
  port: { taken: 'same', note: '' },
  config: { taken: 'better', note: 'Values may refer to environment variables and files, so that it needs no secret' },
  loadLevel: {
    taken: 'better',
    note: 'It can be changed while the migration runs (POST /load), and by hours of the week',
  },
  verbosity: { taken: 'different', note: 'The default is WARN on stderr, and INFO with logPath' },
  logPath: {
    taken: 'different',
    note: 'The file is linkspan.log. SIGUSR1 begins a new one, as does SIGHUP. Nothing is compressed',
  },
  disableVerification: { taken: 'better', note: 'It holds for one run: the next one verifies again' },
  enableCappedCollectionHandling: {
    taken: 'no effect',
    note: 'Capped collections that appear during the migration are always migrated',
  },
  acceptDisclaimer: { taken: 'no effect', note: 'There is no disclaimer' },
  disableTelemetry: { taken: 'no effect', note: 'There is no telemetry' },
  disableMetricsLogging: { taken: 'no effect', note: 'No file of metrics is written' },
  id: {
    taken: 'refused',
    note: 'One process migrates all shards: start one linkspan sync, without id',
  },
  metricsLoggingFilepath: {
    taken: 'refused',
    note: 'Metrics are served for Prometheus and not written to files: use metrics-listen',
  },
  createIndexesBatchSize: {
    taken: 'refused',
    note: 'All indexes of a collection are built with one scan: leave it out',
  },
  hotDocIDs: {
    taken: 'refused',
    note: 'A document that changes often is written once with its last state: leave it out',
  },
  longRetryTime: {
    taken: 'refused',
    note: 'Linkspan waits for a cluster for as long as the oplog lasts: leave it out',
  },
} as const satisfies Readonly<Record<string, MongosyncOption>>;

/** The fields of mongosync's `/start`, up to 1.22, with those of its private beta and those that it has removed. */
export const START_OPTIONS = {
  source: { taken: 'same', note: '' },
  destination: { taken: 'same', note: '' },
  includeNamespaces: { taken: 'better', note: 'A literal name that matches nothing is refused before the first byte' },
  excludeNamespaces: { taken: 'better', note: 'A literal name that matches nothing is refused before the first byte' },
  namespaceRemap: { taken: 'better', note: 'Also for one collection' },
  preExistingDestinationData: { taken: 'better', note: 'It needs no filter, and views come along' },
  reversible: { taken: 'better', note: 'The other direction follows from the commit on, and both sides are compared' },
  skipDiskSpaceCheck: { taken: 'same', note: '' },
  'verification.enabled': {
    taken: 'better',
    note: 'Every document is compared, and one that differs is written again',
  },
  detectRandomId: { taken: 'no effect', note: 'The order of reads is chosen for each collection by a measurement' },
  buildIndexes: {
    taken: 'different',
    note: 'Only afterDataCopy: all indexes are built after the data is copied, and the cutover waits for them',
  },
  enableUserWriteBlocking: {
    taken: 'different',
    note: 'Only true or sourceAndDestination: both sides are blocked when it is their turn, in any case',
  },
  copyInNaturalOrder: {
    taken: 'refused',
    note: 'The order of reads is chosen for each collection by a measurement: leave it out',
  },
  sharding: {
    taken: 'refused',
    note: 'The destination is a replica set: leave it out',
  },
  destinationDataHandling: {
    taken: 'refused',
    note: 'Use preExistingDestinationData to keep the data, or start linkspan sync with drop-destination',
  },
} as const satisfies Readonly<Record<string, MongosyncOption>>;

/** Linkspan's log level for each `verbosity` of mongosync. */
export const LOG_LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'fatal',
  PANIC: 'fatal',
} as const;

export type Verbosity = keyof typeof LOG_LEVELS;
