import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from '../../src/engine/index.ts';
import { type Exit, type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { mayFailOf } from './expectations.ts';
import { MOMENTS, type Moment } from './fault.ts';
import type { Plan } from './plan.ts';
import { ProgressWatch } from './progress-watch.ts';
import type { RoundLog } from './round-log.ts';

const POLL_MS = 50;
const ASK_EVERY_MS = 250;
const CALL_DEADLINE_MS = 5_000;
/**
 * The migration made no progress for this long, no fault holds it back, and it reports no new wait.
 * Promised are 60 s on a machine with time to spare. Two rounds at a time on two cores at a load of 70 stood still for 13 s at most, and an engine that
 * waits for silence to be noticed adds its 15 s: twice the promise leaves room for both.
 */
const HANG_AFTER_MS = 120_000;
/** It moves, but is still in the same state after so long without a fault. */
const SAME_STATE_MS = 300_000;
/** A process that stopped itself at a named point resumes after this time. */
const STOPPED_FOR_MS = 3_000;
/** How often it may cancel its cutover, with no fault meanwhile, without saying what it waits for. Each stops the users' writes. */
const MOST_GIVEN_UP = 8;
/** How often it may fail with one error, with no fault meanwhile, before the migration counts as failed. */
const SAME_FAILURES = 3;
/** As the engine's log has it. */
const UNRECORDED = 'The failure could not be recorded on the destination';
const DONE = 0;
const FAILED = 1;
const STOPPED = 4;

/** Which moment begins with a phase. */
const PHASES: Readonly<Partial<Record<string, Moment>>> = {
  copying: 'copying',
  'building indexes': 'building indexes',
  verifying: 'catching up',
  'catching up': 'catching up',
  'in sync': 'in sync',
  'cutting over': 'commit',
};

/** The part of `linkspan sync --output json` about a migration. */
type Said = Progress & { readonly type: string; readonly phase: string };

interface Answer {
  readonly success: boolean;
  readonly error?: string;
  readonly errorDescription?: string;
}

/** The error that ended a process. */
export interface Failure {
  readonly code: string;
  /** It reported that the destination could not be reached to record the failure. */
  readonly unrecorded: boolean;
}

/** How a migration ended: committed, or with the code of what it failed of for good, which is a finding. */
export type End = 'committed' | { readonly failed: string };

/** A migration by `linkspan sync`, through as many processes as it takes. */
export class EngineLives {
  readonly #arguments: readonly string[];
  readonly #hooks: string[];
  readonly #selection: object;
  readonly #log: RoundLog;
  readonly #watch: ProgressWatch;
  readonly #reached = new Map(MOMENTS.map((moment) => [moment, Promise.withResolvers<void>()]));
  readonly #processes: LinkspanProcess[] = [];
  /** Those whose place another one took. */
  readonly #former: LinkspanProcess[] = [];
  #current: LinkspanProcess | undefined;
  /** Those that run the migration, or were told to. */
  readonly #started = new Set<LinkspanProcess>();
  /** The one whose place is to be taken. */
  #superseded: LinkspanProcess | undefined;
  /** Hooks that were to kill a process which ended otherwise. */
  readonly unreached: string[] = [];
  /** For how long nothing moved at most, with no fault meanwhile. */
  longestStillMs = 0;
  /** How those were ended that were not left to themselves. */
  readonly #ended = new Map<LinkspanProcess, 'killed' | 'terminated'>();
  #cutoverWanted = false;
  /** Whether the process has stopped itself at a named point, where it stays for a moment. */
  standsStill = false;
  #url: string | undefined;

  /**
   * @param plan  `hooks`: what `LINKSPAN_TEST_HOOK` is in each life, from the first on
   * @param selection  what `/start` has beside the clusters
   */
  constructor(
    uris: { readonly source: string; readonly destination: string },
    { hooks, catalogStandsStill }: Pick<Plan, 'hooks' | 'catalogStandsStill'>,
    log: RoundLog,
    selection: object = {},
  ) {
    this.#arguments = [
      'sync',
      '--confirm-drops',
      '--take-over',
      '--port',
      '0',
      '--output',
      'json',
      '--cluster0',
      uris.source,
      '--cluster1',
      uris.destination,
    ];
    this.#hooks = [...hooks];
    this.#log = log;
    this.#selection = selection;
    this.#watch = new ProgressWatch(log, catalogStandsStill);
  }

  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  /** All that the processes wrote. */
  get output(): string {
    return this.#processes.map(({ pid, stderr, stdout }) => `process ${pid}\n${stderr}${stdout}`).join('\n');
  }

  get latest(): Progress | undefined {
    return this.#watch.latest;
  }

  /** Resolves when the migration has come that far, or further. */
  async untilReached(moment: Moment): Promise<void> {
    await this.#reached.get(moment)?.promise;
  }

  /** Hooks of lives to come. */
  get hooksLeft(): readonly string[] {
    return this.#hooks;
  }

  /** From now on the cutover is asked for, whenever it can be had. */
  wantCutover(): void {
    this.#cutoverWanted = true;
  }

  /**
   * Runs the migration to its end, starting it again whenever its process has ended.
   * @param checkFailure  called after each process that failed, while no other one runs
   * @throws Error when it hangs
   */
  async run(checkFailure: (failure: Failure) => Promise<void> = async () => undefined): Promise<End> {
    const failures: { readonly code: string; readonly atMs: number }[] = [];
    while (true) {
      const hook = this.#hooks.shift();
      const engine = this.#spawn(hook);
      const exit = await this.#follow(engine);
      if (exit === 'superseded') continue;
      if (hook?.endsWith('=kill') && exit.signal !== 'SIGKILL') this.unreached.push(hook);
      this.#current = undefined;
      this.#log.say(`the engine ended: ${JSON.stringify(exit)}`);
      const expected = this.#ended.get(engine);
      const over = exit.code === DONE || exit.signal === 'SIGTERM';
      if (over && this.latest?.state === 'committed') return 'committed';
      if (exit.signal === 'SIGKILL' && (expected === 'killed' || hook?.endsWith('=kill'))) continue;
      if (expected === 'terminated' && endedWhenTold(exit)) continue;
      const code = codeOf(engine);
      if (exit.code === FAILED) await checkFailure({ code, unrecorded: engine.stderr.includes(UNRECORDED) });
      if (exit.code !== FAILED || !mayFailOf(code, this.#log.met)) {
        this.#log.find(`the engine ended with ${JSON.stringify(exit)}, ${code}: ${engine.stderr.slice(-600)}`);
        return { failed: code };
      }
      if (this.latest?.error?.code !== code)
        this.#log.find(`it ended with ${code}, and its last progress does not say so`);
      while (this.#log.faultActive) await delay(POLL_MS);
      failures.push({ code, atMs: performance.now() });
      const since = failures.filter((one) => one.code === code && one.atMs > this.#log.faultChangedAtMs);
      if (since.length < SAME_FAILURES) continue;
      this.#log.find(`it does not go on after ${code}: ${engine.stderr.slice(-600)}`);
      return { failed: code };
    }
  }

  /** SIGKILL, or SIGTERM; it will be started again. */
  end(how: 'killed' | 'terminated'): void {
    if (this.#current === undefined) return;
    if (this.#ended.get(this.#current) !== 'killed') this.#ended.set(this.#current, how);
    this.#current.kill(how === 'killed' ? 'SIGKILL' : 'SIGTERM');
    // A stopped process does not see SIGTERM.
    this.#current.kill('SIGCONT');
  }

  /** Stops the process; disposing resumes it. */
  freeze(): Disposable {
    const frozen = this.#current;
    frozen?.kill('SIGSTOP');
    return { [Symbol.dispose]: () => frozen?.kill('SIGCONT') };
  }

  /** Stops the process and has another one started in its place; disposing wakes the first. */
  supersede(): Disposable {
    const superseded = this.#current;
    if (superseded !== undefined) this.#superseded = superseded;
    const frozen = this.freeze();
    if (superseded === undefined || hasItsPlace(superseded)) return frozen;
    // It would take the migration from the other one when it wakes, which is its right: the last one to take it has it.
    this.#ended.set(superseded, 'killed');
    return { [Symbol.dispose]: () => void superseded.kill('SIGKILL') };
  }

  /** Pauses; disposing resumes, unless another process has taken over meanwhile: that one is not paused. */
  async pause(): Promise<AsyncDisposable> {
    const paused = this.#current;
    await this.#call('pause');
    return {
      [Symbol.asyncDispose]: async () => {
        while (this.#current === paused && !(await this.#call('resume')) && this.latest?.state === 'paused')
          await delay(ASK_EVERY_MS);
      },
    };
  }

  /** Waits for those processes whose place was taken: each has to notice, and end, unless it had committed before that. */
  async settleFormer(): Promise<void> {
    for (const former of this.#former) {
      if (/"state":"committed"/.test(former.stdout)) continue;
      const exit = await this.#exitOf(former);
      if (exit === undefined) this.#log.find('an engine whose place was taken goes on');
      // It may have been told to stop before, or been killed by its hook.
      else if (this.#ended.get(former) === 'terminated' && endedWhenTold(exit)) continue;
      else if (exit.signal !== 'SIGKILL' && (exit.code !== FAILED || codeOf(former) !== 'TAKEN_OVER'))
        this.#log.find(
          `an engine whose place was taken ended with ${JSON.stringify(exit)} ${former.stderr.slice(-300)}`,
        );
    }
  }

  /** The end of a process, which is resumed whenever its hook stops it; undefined when it does not end. */
  async #exitOf({ exit, pid, kill }: LinkspanProcess): Promise<Exit | undefined> {
    const lastMs = performance.now() + HANG_AFTER_MS;
    while (performance.now() < lastMs) {
      const ended = await Promise.race([exit, delay(STOPPED_FOR_MS, undefined, { ref: false })]);
      if (ended !== undefined) return ended;
      if (isStopped(pid)) kill('SIGCONT');
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) await process[Symbol.asyncDispose]();
  }

  #spawn(hook: string | undefined): LinkspanProcess {
    this.#log.say(`the engine starts${hook === undefined ? '' : `, hook ${hook}`}`);
    const engine = runLinkspan(this.#arguments, { hook, env: { LINKSPAN_LOG_LEVEL: 'info' } });
    this.#processes.push(engine);
    this.#current = engine;
    this.#url = undefined;
    this.#watch.newLife();
    this.#reached.get('start')?.resolve();
    return engine;
  }

  /** Starts the migration and asks for what is wanted, until the process ends or another one is to take its place. */
  async #follow(engine: LinkspanProcess): Promise<Exit | 'superseded'> {
    let exit: Exit | undefined;
    void engine.exit.then((how) => {
      exit = how;
    });
    let read = 0;
    let started = false;
    let askedAtMs = 0;
    let stoppedAtMs: number | undefined;
    while (true) {
      await delay(POLL_MS);
      const upTo = engine.stdout.lastIndexOf('\n') + 1;
      for (const line of engine.stdout.slice(read, upTo).split('\n')) if (line !== '') this.#take(JSON.parse(line));
      read = upTo;
      if (exit !== undefined) return exit;
      if (this.#superseded === engine) {
        this.#superseded = undefined;
        // Without a migration there is nothing that could be taken from it.
        if (this.#started.has(engine)) this.#former.push(engine);
        return 'superseded';
      }
      this.#refuseToHang();
      this.#url ??= /API is ready at (\S+)/.exec(engine.stderr)?.[1];
      this.standsStill = isStopped(engine.pid);
      // Other faults stop it, too, and resume it themselves.
      if (this.standsStill && !this.#log.stopsEngine) {
        stoppedAtMs ??= performance.now();
        if (performance.now() - stoppedAtMs < STOPPED_FOR_MS) continue;
        this.#log.say('the engine stopped itself, and goes on');
        engine.kill('SIGCONT');
        stoppedAtMs = undefined;
      }
      if (performance.now() - askedAtMs < ASK_EVERY_MS) continue;
      askedAtMs = performance.now();
      if (!started) started = await this.#start(engine);
      else if (this.latest?.state === 'committed') this.#endCommitted(engine);
      else if (this.#cutoverWanted && (await this.#call('commit'))) this.#reach('commit');
    }
  }

  async #start(engine: LinkspanProcess): Promise<boolean> {
    if (this.#url !== undefined) this.#started.add(engine);
    return await this.#call('start', { source: 'cluster0', destination: 'cluster1', ...this.#selection });
  }

  #endCommitted(engine: LinkspanProcess): void {
    this.#reach('commit');
    engine.kill('SIGTERM');
  }

  #take(said: Said): void {
    if (said.type !== 'progress') return;
    this.#watch.take(said);
    const moment = PHASES[said.phase];
    if (moment !== undefined) this.#reach(moment);
  }

  #reach(moment: Moment): void {
    for (const one of MOMENTS.slice(0, MOMENTS.indexOf(moment) + 1)) this.#reached.get(one)?.resolve();
  }

  #refuseToHang(): void {
    if (this.#log.faultActive) return;
    const sinceMs = (atMs: number) => performance.now() - Math.max(atMs, this.#log.faultChangedAtMs);
    const stillMs = sinceMs(this.#watch.movedAtMs);
    this.longestStillMs = Math.max(this.longestStillMs, stillMs);
    if (stillMs > HANG_AFTER_MS) throw new Error(`nothing moves any more: ${JSON.stringify(this.latest)}`);
    const givenUp = this.#watch.givenUpAtMs.filter((atMs) => atMs > this.#log.faultChangedAtMs).length;
    if (givenUp > MOST_GIVEN_UP)
      throw new Error(`it gave its cutover up ${givenUp} times without a word: ${JSON.stringify(this.latest)}`);
    if (sinceMs(this.#watch.stateSinceMs) > SAME_STATE_MS)
      throw new Error(`it stays as it is: ${JSON.stringify(this.latest)}`);
  }

  /** Calls the API. @returns whether it said yes; a call that fails is made again later */
  async #call(name: string, body: object = {}): Promise<boolean> {
    if (this.#url === undefined) return false;
    try {
      const response = await fetch(`${this.#url}/${name}`, {
        method: 'POST',
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(CALL_DEADLINE_MS),
      });
      const { success, error, errorDescription } = (await response.json()) as Answer;
      if (name !== 'commit' || success) this.#log.say(`${name}: ${success} ${errorDescription ?? ''}`);
      // An earlier call whose answer did not come in time has started it.
      return success || (name === 'start' && error === 'WrongState' && this.#watch.isRunning);
    } catch (error) {
      this.#log.say(`${name}: ${error}`);
      return false;
    }
  }
}

/** The code in brackets at the end of what a process said last. */
function codeOf({ stderr }: LinkspanProcess): string {
  return [...stderr.matchAll(/\[([A-Z_]+)\]$/gm)].at(-1)?.[1] ?? 'no code';
}

/** Whether the process has said how far the migration is, which it knows once it has taken it. */
function hasItsPlace({ stdout }: LinkspanProcess): boolean {
  return /"state":"(?!created)/.test(stdout);
}

/** As SIGTERM ends a process: one that has hardly started, or has all but ended, by the signal itself; one that was about to start is done. */
function endedWhenTold({ code, signal }: Exit): boolean {
  return code === STOPPED || code === DONE || signal === 'SIGTERM';
}

/** Whether the process is stopped by a signal. */
function isStopped(pid: number): boolean {
  try {
    // After the name in brackets, which may hold anything.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .startsWith('T');
  } catch {
    return false;
  }
}
