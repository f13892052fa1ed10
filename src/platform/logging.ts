import { pino } from 'pino';

export type Logger = pino.Logger;

/** Structured log on stderr; stdout is for results. @param level pino level, `info` by default */
export function createLogger(level = process.env.LINKSPAN_LOG_LEVEL ?? 'info'): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}

export const silentLogger: Logger = pino({ level: 'silent' });
