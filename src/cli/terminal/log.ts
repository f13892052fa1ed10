import { createLogger, type Logger } from '../../platform/index.ts';
import type { LogFormat } from './log-format.ts';
import { CLEAR_LINE, hasColours } from './terminal.ts';
import { wrap } from './wrap.ts';

/** Replaces the formatter's default colours, which colour the whole message. */
const COLOURS = 'fatal:bgRed,error:red,warn:yellow,info:green,debug:blue,trace:gray,message:reset';

export interface LogOptions {
  /** Default: text on a terminal, JSON elsewhere. */
  readonly format?: LogFormat;
  readonly level?: string;
  /** The terminal may show a progress line. A log line then overwrites it, and the progress line is drawn again below. */
  readonly overProgress?: boolean;
}

/** Opens the log of a command, on stderr. */
export async function openLog({ format, level, overProgress = false }: LogOptions = {}): Promise<Logger> {
  const chosen = format ?? (process.stderr.isTTY ? 'text' : 'json');
  if (chosen === 'json') return createLogger(level);
  const readable = await readableLines();
  return createLogger(level, overProgress ? (line) => CLEAR_LINE + readable(line) : readable);
}

/** Loads the formatter on demand, so that a server that logs JSON starts faster. */
async function readableLines(): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  const readable = prettyFactory({
    colorize: hasColours(process.stderr),
    customColors: COLOURS,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss',
  });
  return (line) => `${wrap(readable(line).trimEnd(), process.stderr, 2)}\n`;
}
