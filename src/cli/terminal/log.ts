import type { Option } from 'commander';
import { createLogger, type Logger } from '../../platform/index.ts';
import { setting } from './setting.ts';
import { CLEAR_LINE, hasColours } from './terminal.ts';
import { wrap } from './wrap.ts';

/** JSON is for programs, text for people. */
export type LogFormat = 'json' | 'text';

/** Flag and variable that choose the format of the log. */
export const logFormat = (): Option =>
  setting(
    'log-format',
    '<format>',
    'write log lines as text or JSON; default: text on a terminal, JSON elsewhere',
  ).choices(['json', 'text']);

/** The formatter colours all messages by default, and takes its own colours away when it is given some. */
const COLOURS = 'fatal:bgRed,error:red,warn:yellow,info:green,debug:blue,trace:gray,message:reset';

export interface LogOptions {
  /** By default text on a terminal, and JSON elsewhere. */
  readonly format?: LogFormat;
  readonly level?: string;
  /** The terminal may show a progress line, which gives way to a line of the log and is drawn again below. */
  readonly overProgress?: boolean;
}

/** The log of a command, on stderr. */
export async function openLog({ format, level, overProgress = false }: LogOptions = {}): Promise<Logger> {
  const chosen = format ?? (process.stderr.isTTY ? 'text' : 'json');
  if (chosen === 'json') return createLogger(level);
  const readable = await readableLines();
  return createLogger(level, overProgress ? (line) => CLEAR_LINE + readable(line) : readable);
}

/** Loads the formatter only where it is used: a server that logs JSON starts without it. */
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
