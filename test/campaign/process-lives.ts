import { setTimeout as delay } from 'node:timers/promises';
import type { LinkspanProcess } from '../support/linkspan-process.ts';
import { childrenOf } from '../support/process-status.ts';
import type { RoundLog } from './round-log.ts';

/** A process that is started again whenever it ends, until it is disposed of. */
export class ProcessLives implements AsyncDisposable {
  readonly #name: string;
  readonly #start: (hook?: string) => Promise<LinkspanProcess>;
  readonly #hooks: string[];
  readonly #log: RoundLog;
  #current: LinkspanProcess | undefined;
  #running: Promise<void> | undefined;
  /** The time for which the current process stays ended, if a signal of the plan has ended it. */
  #downMs: number | undefined;
  #over = false;

  /** @param hooks  named points where it kills itself, one for each life in order */
  constructor(
    name: string,
    start: (hook?: string) => Promise<LinkspanProcess>,
    hooks: readonly string[],
    log: RoundLog,
  ) {
    this.#name = name;
    this.#start = start;
    this.#hooks = [...hooks];
    this.#log = log;
  }

  /** Starts the first process. */
  async begin(): Promise<void> {
    let hook = this.#hooks.shift();
    this.#current = await this.#start(hook);
    this.#running = (async () => {
      while (!this.#over) {
        const current = this.#current;
        const { code, signal } = (await current?.exit) ?? {};
        if (this.#over) return;
        this.#log.say(`the ${this.#name} ended with ${code ?? signal}`);
        const isPlanned = this.#downMs !== undefined || (hook !== undefined && signal === 'SIGKILL');
        if (!isPlanned) this.#log.find(`the ${this.#name} ended by itself: ${current?.stderr.slice(-2_000)}`);
        await delay(this.#downMs ?? 0);
        this.#downMs = undefined;
        hook = this.#hooks.shift();
        this.#log.say(`the ${this.#name} starts${hook === undefined ? '' : `, hook ${hook}`}`);
        this.#current = await this.#start(hook);
      }
    })();
    this.#running.catch((error: unknown) => this.#log.find(`the ${this.#name} did not start: ${error}`));
  }

  /**
   * Ends the current process, and has the next one start after a while. Does nothing while none runs.
   * @param signal  `LOST`: SIGKILL, also for its watchdogs, as when its host is lost
   */
  end(signal: 'SIGKILL' | 'SIGTERM' | 'LOST', downMs: number): void {
    if (this.#downMs !== undefined) return;
    this.#log.say(`the ${this.#name} gets ${signal}, and starts again after ${downMs} ms`);
    this.#downMs = downMs;
    const watchdogs = signal === 'LOST' && this.#current !== undefined ? childrenOf(this.#current.pid) : [];
    for (const pid of watchdogs) process.kill(pid, 'SIGKILL');
    this.#current?.kill(signal === 'LOST' ? 'SIGKILL' : signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    this.#current?.kill('SIGKILL');
    await this.#running?.catch(() => undefined);
    this.#current?.kill('SIGKILL');
  }
}
