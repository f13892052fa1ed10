import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { catchSignals } from '../command-line/signals.ts';
import { tell } from '../terminal/index.ts';

/** The longest time that a timer takes: three weeks and more. */
const LONGEST_SECONDS = 2_147_483;

/** Limits how long a command waits: until its time is up, or SIGINT or SIGTERM arrives. */
export class WaitLimit implements Disposable {
  /** Aborts when the wait has to end. */
  readonly stop: AbortSignal;
  readonly #signals = catchSignals();
  readonly #seconds: number;

  constructor(seconds: number) {
    this.#seconds = seconds;
    const isOver = AbortSignal.timeout(Math.min(seconds, LONGEST_SECONDS) * 1_000);
    this.stop = AbortSignal.any([this.#signals.signal, isOver]);
  }

  /** Returns the exit code of a wait that `stop` has ended. Says so when the time was up. */
  end(): ExitCode {
    const received = this.#signals.received();
    if (received === undefined) tell('linkspan', `the time is up after ${this.#seconds} s`, 'warning');
    return received === 'SIGINT' ? exitCode.interrupted : exitCode.stoppedCanBeResumed;
  }

  [Symbol.dispose](): void {
    this.#signals[Symbol.dispose]();
  }
}
