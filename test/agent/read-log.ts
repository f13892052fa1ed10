import { pino } from 'pino';
import { eventually } from '../support/eventually.ts';

/** A log, its lines, and a function that waits for one of its lines. */
export function readLog() {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(line) });
  const logged = (text: string) =>
    eventually(() => lines.find((line) => line.includes(text)), { what: `"${text}" in the log` });
  return { logger, lines, logged };
}
