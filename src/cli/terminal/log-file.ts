import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { createFileLogger, type Logger, messageOf, UserError } from '../../platform/index.ts';
import { tell } from './tell.ts';

const NAME = 'linkspan.log';

/**
 * Opens a log of JSON lines in a directory, which is created if it is absent. At each SIGHUP or SIGUSR1 the file is renamed by the time,
 * to `linkspan-2026-12-02T06-14-02.123Z.log`, and a new one begins. A line that can't be written is told once on stderr, and lost.
 * @throws UserError LOG_PATH_UNUSABLE
 */
export function openLogFile(directory: string, level: string): Logger {
  const path = join(directory, NAME);
  try {
    mkdirSync(directory, { recursive: true });
    let isTold = false;
    const { logger, reopen } = createFileLogger(path, level, (error) => {
      if (!isTold) tell('linkspan', `the log: ${error.message}`, 'warning');
      isTold = true;
    });
    const rotate = () => {
      try {
        renameSync(path, join(directory, `linkspan-${new Date().toISOString().replaceAll(':', '-')}.log`));
      } catch (error) {
        tell('linkspan', `the log stays in one file: ${messageOf(error)}`, 'warning');
      }
      reopen();
    };
    process.on('SIGHUP', rotate);
    // mongosync's signal (its page on logging). Without a listener, Node.js opens its debugger to all users of the machine.
    process.on('SIGUSR1', rotate);
    return logger;
  } catch (error) {
    throw new UserError('LOG_PATH_UNUSABLE', [directory, messageOf(error)], { cause: error });
  }
}
