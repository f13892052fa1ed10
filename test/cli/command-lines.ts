import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { main } from '../../src/cli/main.ts';

/** A command line ends with these. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that runs command lines one after the other, so that each doesn't pay for a start. They must not begin anything that lasts. */
export class CommandLines implements Disposable {
  readonly #child: ChildProcess = fork(import.meta.filename, { silent: true });

  async run(line: string): Promise<Ended> {
    const answered = once(this.#child, 'message');
    this.#child.send(line);
    const [ended] = await answered;
    return ended;
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

/** Runs a command line in this process, as if it were its first, with its output as text. */
async function runHere(line: string): Promise<Ended> {
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    process[stream].write = (text: string | Uint8Array): boolean => {
      output[stream] += text.toString();
      return true;
    };
    process[stream].removeAllListeners('error');
  }
  process.removeAllListeners('uncaughtException');
  process.exitCode = undefined;
  return { code: await main(line.split(' ')), ...output };
}

if (process.argv[1] === import.meta.filename)
  process.on('message', async (line: string) => process.send?.(await runHere(line)));
