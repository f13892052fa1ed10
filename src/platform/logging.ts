import { pino } from 'pino';

export type Logger = pino.Logger;

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

/** A logger that hands each line of JSON, from the level `info` on, to a function. */
export function loggerTo(receive: (line: string) => void): Logger {
  return pino({ level: 'info', base: null }, { write: receive });
}

export const silentLogger: Logger = pino({ level: 'silent' });
