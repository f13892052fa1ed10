import type { Option } from 'commander';
import { setting } from './setting.ts';

/** Format of log lines: JSON for programs, text for people. */
export type LogFormat = 'json' | 'text';

/** The option `--log-format`, with its environment variable. */
export const logFormat = (): Option =>
  setting(
    'log-format',
    '<format>',
    'Format of log lines: text or JSON; default: text on a terminal, JSON elsewhere',
  ).choices(['json', 'text']);
