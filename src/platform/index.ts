export { isAddressOrBlock, isInBlocks } from './address-blocks.ts';
export { addressGroup } from './address-group.ts';
export { delayAfter } from './back-off.ts';
export { BearerToken, readBearerToken } from './bearer-token.ts';
export { type Clock, systemClock } from './clock.ts';
export { readConfiguration } from './configuration.ts';
export { whyInvalid, whyUnreadable, withoutCredentials } from './connection-credentials.ts';
export { counted } from './counted.ts';
export { type DialRules, dialAsOwn, dialRules, guardDialling, wasDialledAsOwn, whyRefused } from './dial-guard.ts';
export {
  type AllowedDestinations,
  isAllowedDestination,
  isSurelyAllowed,
  isSurelyRefused,
  neverDialled,
} from './dial-rules.ts';
export { writeDurably } from './durable-file.ts';
export { type ErrorCode, errorCatalogue, knownError, messageOf, UserError } from './errors/index.ts';
export { failpoint, onFailpoint } from './failpoints.ts';
export {
  ConnectionStringRefused,
  type ForeignConnectionString,
  readForeignConnectionString,
} from './foreign-connection-string.ts';
export { fullDisk } from './full-disk.ts';
export { isId, newId } from './ids.ts';
export { isLoopback, type ListenAddress, parseListenAddress } from './listen-address.ts';
export { createFileLogger, createLogger, type Logger, loggerTo, silentLogger, withState } from './logging.ts';
export { memoryOfHost } from './memory-of-host.ts';
export { type MetricsFile, metricsFile } from './metrics-file.ts';
export { ACCOUNT_ACTIONS, isMigrationUser, migrationUserName } from './migration-user.ts';
export { ownFile, programBeside } from './own-files.ts';
export { readPrivateFile } from './private-file.ts';
export { randomByte } from './random.ts';
export { redact } from './redact.ts';
export { type Exceeded, type Holder, Shares } from './shares.ts';
export { traceWork } from './traces.ts';
export { validate } from './validate.ts';
export { version } from './version.ts';
