import { availableParallelism } from 'node:os';
import { spawnTracked } from '../support/child-processes.ts';

/** Keeps every core busy with a process of its own, until disposed. */
export function useAllProcessors(): Disposable {
  const busy = Array.from({ length: availableParallelism() }, (_, n) =>
    spawnTracked(`busy process ${n}`, process.execPath, ['--eval', 'for (;;);'], { stdio: 'ignore' }),
  );
  return {
    [Symbol.dispose]: () => {
      for (const child of busy) child.kill('SIGKILL');
    },
  };
}
