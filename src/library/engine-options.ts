import type { MigrationOptions as EngineOptions } from '../engine/index.ts';
import { isId, type Logger, loggerTo, silentLogger } from '../platform/index.ts';
import type { LogEntry, MigrationOptions } from './options.ts';

/** pino's number of the level `warn`, and of `error`. */
const WARN = 40;
const ERROR = 50;

/**
 * Returns the options as the engine takes them.
 * @throws TypeError for an id that isn't one
 */
export function engineOptions({ log, ...options }: MigrationOptions): EngineOptions {
  if (!isId(options.migrationId)) throw new TypeError('migrationId must be 24 hexadecimal digits: newMigrationId()');
  const logger = loggerOf(log).child({ migrationId: options.migrationId });
  return { ...options, dropDestination: options.dropDestination ?? false, logger };
}

/** Returns a logger that hands its lines to the user. An error of the user's function becomes a warning of the process. */
export function loggerOf(log: ((entry: LogEntry) => void) | undefined): Logger {
  if (log === undefined) return silentLogger;
  return loggerTo((line) => {
    try {
      log(entryOf(line));
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  });
}

function entryOf(line: string): LogEntry {
  const { level, time: _, event, msg = '', ...details } = JSON.parse(line);
  return { level: level >= ERROR ? 'error' : level >= WARN ? 'warn' : 'info', event, message: msg, details };
}
