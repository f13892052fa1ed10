import { pino } from 'pino';
import type { Logger } from '../../../src/platform/index.ts';

/** A logger that keeps its lines. */
export function keptLog(): {
  readonly logger: Logger;
  readonly lines: Record<string, unknown>[];
  readonly text: () => string;
} {
  const texts: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const write = (text: string) => {
    texts.push(text);
    lines.push(JSON.parse(text));
  };
  return {
    logger: pino({ level: 'trace', base: null, timestamp: false }, { write }),
    lines,
    text: () => texts.join(''),
  };
}
