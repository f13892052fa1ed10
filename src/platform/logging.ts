import { pino } from 'pino';
import type { LogLevel } from './log-events/define.ts';
import type { LogEvents } from './log-events/index.ts';

type FieldOf<Event extends keyof LogEvents> = LogEvents[Event] extends { readonly fields: readonly (infer Name)[] }
  ? Name
  : never;

/** The fields of a line: exactly those that the catalogue has for its event. */
type Line<Event extends keyof LogEvents> = { readonly event: Event } & {
  readonly [Name in FieldOf<Event> as Name extends `${string}?` ? never : Name & string]: unknown;
} & { readonly [Name in FieldOf<Event> as Name extends `${infer Optional}?` ? Optional : never]?: unknown };

/** Writes a line with an event of this level, and a text for people, which may change. */
type Write<Level extends LogLevel> = <
  Event extends { [Name in keyof LogEvents]: LogEvents[Name]['level'] extends Level ? Name : never }[keyof LogEvents],
>(
  line: Line<Event>,
  text: string,
) => void;

/** Writes structured lines. The compiler refuses a line without an event of the catalogue, and with another level or other fields than there. */
export type Logger = { readonly [Level in LogLevel]: Write<Level> } & {
  /** Returns a logger that adds the id of a migration to each line. */
  child(fields: { readonly migrationId: string }): Logger;
};

/**
 * A logger that writes structured lines to stderr; stdout is for results.
 * @param level   pino level, `info` by default
 * @param render  converts a line of JSON to the text to write; by default the line itself
 */
export function createLogger(
  level = process.env.LINKSPAN_LOG_LEVEL ?? 'info',
  render?: (line: string) => string,
): Logger {
  const stderr = pino.destination({ fd: 2, sync: true });
  const destination = render ? { write: (line: string) => void stderr.write(render(line)) } : stderr;
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/**
 * A logger that appends lines of JSON to a file of mode 600.
 * @param level   pino level
 * @param failed  called when lines can't be written, until they can be again
 * @returns the logger, and a function that opens the path anew after the file was renamed
 * @throws Error when the file can't be opened
 */
export function createFileLogger(
  path: string,
  level: string,
  failed: (error: Error) => void,
): { readonly logger: Logger; readonly reopen: () => void } {
  const file = pino.destination({ dest: path, sync: true, append: true, mode: 0o600 });
  file.on('error', failed);
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, file);
  return { logger, reopen: () => file.reopen() };
}

/** A logger that hands each line of JSON, from the level `info` on, to a function. */
export function loggerTo(receive: (line: string) => void): Logger {
  return pino({ level: 'info', base: null }, { write: receive });
}

/** Returns a logger that adds the state of a migration, as it is then, to each line. */
export function withState(logger: Logger, state: () => string): Logger {
  const log = (line: object) => ({ state: state(), ...line });
  return (logger as pino.Logger).child({}, { formatters: { log } });
}

export const silentLogger: Logger = pino({ level: 'silent' });
