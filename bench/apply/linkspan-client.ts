import { type ChildProcess, fork } from 'node:child_process';
import { cleanUpAtExit } from '../../test/support/exit-cleanup.ts';
import type { Done, Request } from './linkspan-process.ts';

/** Sends a request to a migration's process. @returns how long it took, in seconds */
export async function ask(child: ChildProcess, request: Request): Promise<number> {
  child.send(request);
  return (await answer(child)).seconds;
}

/** Waits for the next answer of a migration's process. */
export async function answer(child: ChildProcess): Promise<Done> {
  using waiting = new DisposableStack();
  return await new Promise<Done>((resolve, reject) => {
    const fail = () => reject(new Error('the migration ended early'));
    child.once('message', resolve).once('exit', fail);
    waiting.defer(() => child.off('message', resolve).off('exit', fail));
  });
}

/** Starts a migration in a process of its own. Resolves when its initial copy is complete. */
export async function startLinkspan(source: string, destination: string, verification: string): Promise<ChildProcess> {
  const child = fork(new URL('linkspan-process.ts', import.meta.url), [source, destination, verification]);
  cleanUpAtExit(() => child.kill('SIGKILL'));
  await answer(child);
  return child;
}
