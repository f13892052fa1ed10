import { pino } from 'pino';

export type Logger = pino.Logger;

/**
 * Structured log on stderr; stdout is for results.
 * @param level   pino level, `info` by default
 * @param render  what is written of a line of JSON; the line itself by default
 */
export function createLogger(
  level = process.env.LINKSPAN_LOG_LEVEL ?? 'info',
  render?: (line: string) => string,
): Logger {
  const stderr = pino.destination({ fd: 2, sync: true });
  const destination = render ? { write: (line: string) => void stderr.write(render(line)) } : stderr;
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

export const silentLogger: Logger = pino({ level: 'silent' });
