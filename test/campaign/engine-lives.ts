import { setTimeout as delay } from 'node:timers/promises';
import { type Progress, type Stage, workStageOf } from '../../src/contract/index.ts';
import { type Exit, type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { type Answer, type Call, callApi } from './engine-api.ts';
import { codeOf, endedWhenTold, FAILED, hasItsPlace, isStopped } from './engine-process.ts';
import { mayFailWith } from './expectations.ts';
import { MOMENTS, type Moment } from './fault.ts';
import type { Plan } from './plan.ts';
import { type DirectionOf, ProgressWatch } from './progress-watch.ts';
import type { RoundLog } from './round-log.ts';

const POLL_MS = 50;
const ASK_EVERY_MS = 250;
/**
 * Time after which a migration counts as hanging: it makes no progress, no fault holds it back, and it reports no new wait.
 * Linkspan promises 60 s on an idle machine. Two parallel rounds on two cores with a load of 70 paused for at most 13 s. An engine needs
 * 15 s to detect a silent server. Twice the promise covers both.
 */
const HANG_AFTER_MS = 120_000;
/** Time after which a migration counts as hanging when it makes progress but stays in the same state, without a fault. */
const SAME_STATE_MS = 300_000;
/** A process that stopped itself at a named point resumes after this time. */
const STOPPED_FOR_MS = 3_000;
/** Maximum number of attempts at a cutover, without a fault, for which no wait is reported. Each attempt stops the users' writes. */
const MOST_GIVEN_UP = 8;
/** Maximum number of failures with the same error, without a fault, before the migration counts as failed. */
const SAME_FAILURES = 3;
/** The text in the engine's log. */
const UNRECORDED = 'The failure could not be recorded on the destination';

/** The moment that begins with each stage. */
const MOMENT_OF: Readonly<Partial<Record<Stage, Moment>>> = {
  COPYING: 'copying',
  BUILDING_INDEXES: 'building indexes',
  VERIFYING: 'catching up',
  CATCHING_UP: 'catching up',
  READY: 'in sync',
  CUTTING_OVER: 'commit',
};

/** The lines of `linkspan sync --output json` about a migration. */
type Said = Progress & { readonly type: string; readonly time: string };

export interface EngineOptions extends Pick<Plan, 'hooks' | 'catalogStandsStill'> {
  /** Names the direction of a reversible migration, which a commit doesn't end before {@link EngineLives.finish}. */
  readonly directionOf?: DirectionOf;
  /** Members of the source; 1 by default. */
  readonly sourceMembers?: number;
}

/** The error that ended a process. */
export interface Failure {
  readonly code: string;
  /** Whether it reported that it could not reach the destination to record the failure. */
  readonly unrecorded: boolean;
}

/** How a migration ended: committed, or with the code of its final failure, which is a finding. */
export type End = 'committed' | { readonly failed: string };

/** Runs a migration with `linkspan sync`, in as many processes as it needs. */
export class EngineLives {
  readonly #arguments: readonly string[];
  readonly #hooks: string[];
  readonly #selection: object;
  readonly #log: RoundLog;
  readonly #watch: ProgressWatch;
  readonly #reached = new Map(MOMENTS.map((moment) => [moment, Promise.withResolvers<void>()]));
  readonly #processes: LinkspanProcess[] = [];
  /** Processes that another one has replaced. */
  readonly #former: LinkspanProcess[] = [];
  #current: LinkspanProcess | undefined;
  /** Processes that run the migration, or have been started for it. */
  readonly #started = new Set<LinkspanProcess>();
  /** The process that another one has to replace. */
  #superseded: LinkspanProcess | undefined;
  /** Hooks whose process ended before it reached them. */
  readonly unreached: string[] = [];
  /** Longest time without progress and without a fault. */
  longestStillMs = 0;
  /** Signals by which processes were ended. */
  readonly #ended = new Map<LinkspanProcess, 'killed' | 'terminated'>();
  /** When `latest` was true, by the clock of this machine. */
  latestAtMs = 0;
  #cutoverWanted = false;
  readonly #isReversible: boolean;
  /** Whether a process that has committed is to end. */
  #mayEnd: boolean;
  /** Whether the failback has ended with FAILBACK_LOST, as the end of the process then tells. */
  lostFailback = false;
  /** Whether the process has stopped itself at a named point, where it waits for a moment. */
  standsStill = false;
  #url: string | undefined;

  /**
   * @param options  `hooks`: value of `LINKSPAN_TEST_FAILPOINT` for each process, in order
   * @param selection  fields of `/start` other than the clusters
   */
  constructor(
    uris: { readonly source: string; readonly destination: string },
    { hooks, catalogStandsStill, directionOf, sourceMembers = 1 }: EngineOptions,
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
      ...(directionOf ? ['--reversible', '--users-and-roles'] : []),
    ];
    this.#isReversible = directionOf !== undefined;
    this.#mayEnd = !this.#isReversible;
    this.#hooks = [...hooks];
    this.#log = log;
    this.#selection = selection;
    this.#watch = new ProgressWatch(log, { catalogStandsStill, sourceMembers }, directionOf);
  }

  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  /** Output of all processes. */
  get output(): string {
    return this.#processes.map(({ pid, stderr, stdout }) => `process ${pid}\n${stderr}${stdout}`).join('\n');
  }

  get latest(): Progress | undefined {
    return this.#watch.latest;
  }

  /** The latest progress of the current process; undefined before it has reported any. */
  get latestInThisLife(): Progress | undefined {
    return this.#watch.latestInThisLife;
  }

  /** The number of processes so far. */
  get lives(): number {
    return this.#processes.length;
  }

  /** Resolves when the migration has reached the moment. */
  async untilReached(moment: Moment): Promise<void> {
    await this.#reached.get(moment)?.promise;
  }

  /** Hooks of later processes. */
  get hooksLeft(): readonly string[] {
    return this.#hooks;
  }

  /** Requests the cutover as soon and as often as needed. */
  wantCutover(): void {
    this.#cutoverWanted = true;
  }

  /** Ends a reversible migration permanently: the process gets SIGTERM, and no other one is started. */
  finish(): void {
    this.#mayEnd = true;
  }

  /**
   * Runs the migration to its end. Starts it again whenever its process has ended.
   * @param checkFailure  called after each failed process, while no other one runs
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
      const isLost = this.lostFailback && codeOf(engine) === 'FAILBACK_LOST';
      const isOver = this.#mayEnd && (isLost || endedWhenTold(exit));
      if (isOver && this.latest?.state === 'COMMITTED') return 'committed';
      if (isOver && this.#isReversible) return { failed: 'ended before its cutover' };
      if (exit.signal === 'SIGKILL' && (expected === 'killed' || hook?.endsWith('=kill'))) continue;
      if (expected === 'terminated' && endedWhenTold(exit)) continue;
      const code = codeOf(engine);
      if (exit.code === FAILED) await checkFailure({ code, unrecorded: engine.stderr.includes(UNRECORDED) });
      if (exit.code !== FAILED || !mayFailWith(code, this.#log.met)) {
        this.#log.find(`the engine ended with ${JSON.stringify(exit)}, ${code}: ${engine.stderr.slice(-600)}`);
        return { failed: code };
      }
      if (this.latest?.error?.code !== code)
        this.#log.find(`it ended with ${code}, but its last progress does not report that`);
      while (this.#log.faultActive) await delay(POLL_MS);
      failures.push({ code, atMs: performance.now() });
      const since = failures.filter((one) => one.code === code && one.atMs > this.#log.faultChangedAtMs);
      if (since.length < SAME_FAILURES) continue;
      this.#log.find(`it does not continue after ${code}: ${engine.stderr.slice(-600)}`);
      return { failed: code };
    }
  }

  /** Ends the process with SIGKILL or SIGTERM. It is started again. */
  end(how: 'killed' | 'terminated'): void {
    if (this.#current === undefined) return;
    if (this.#ended.get(this.#current) !== 'killed') this.#ended.set(this.#current, how);
    this.#current.kill(how === 'killed' ? 'SIGKILL' : 'SIGTERM');
    // A stopped process does not handle SIGTERM.
    this.#current.kill('SIGCONT');
  }

  /** Stops the process; disposing resumes it. */
  freeze(): Disposable {
    const frozen = this.#current;
    frozen?.kill('SIGSTOP');
    return { [Symbol.dispose]: () => frozen?.kill('SIGCONT') };
  }

  /** Stops the process and lets another one start in its place. Disposing resumes the first. */
  supersede(): Disposable {
    const superseded = this.#current;
    if (superseded !== undefined) this.#superseded = superseded;
    const frozen = this.freeze();
    if (superseded === undefined || hasItsPlace(superseded)) return frozen;
    // When it resumes it would take the migration from the other one, which is allowed: the last process to take it owns it.
    this.#ended.set(superseded, 'killed');
    return { [Symbol.dispose]: () => void superseded.kill('SIGKILL') };
  }

  /** Pauses. Disposing resumes, unless another process has taken over meanwhile, because that one is not paused. */
  async pause(): Promise<AsyncDisposable> {
    const paused = this.#current;
    await this.call('pause');
    return {
      [Symbol.asyncDispose]: async () => {
        while (this.#current === paused && !(await this.call('resume')).success && this.latest?.state === 'PAUSED')
          await delay(ASK_EVERY_MS);
      },
    };
  }

  /** Waits for the replaced processes. Each must detect that and end, unless it had already committed. */
  async settleFormer(): Promise<void> {
    for (const former of this.#former) {
      if (/"state":"COMMITTED"/.test(former.stdout)) continue;
      const exit = await this.#exitOf(former);
      if (exit === undefined) this.#log.find('a replaced engine continues');
      // A signal or its hook may have ended it before.
      else if (this.#ended.get(former) === 'terminated' && endedWhenTold(exit)) continue;
      else if (exit.signal !== 'SIGKILL' && (exit.code !== FAILED || codeOf(former) !== 'TAKEN_OVER'))
        this.#log.find(`a replaced engine ended with ${JSON.stringify(exit)} ${former.stderr.slice(-300)}`);
    }
  }

  /** Waits for the end of a process, and resumes it whenever its hook stops it. Returns undefined when it does not end. */
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

  /** Starts the migration and sends requests, until the process ends or another one has to replace it. */
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
        // Another process can only replace one that has a migration.
        if (this.#started.has(engine)) this.#former.push(engine);
        return 'superseded';
      }
      this.#refuseToHang();
      this.#url ??= /API is ready at (\S+)/.exec(engine.stderr)?.[1];
      this.standsStill = isStopped(engine.pid);
      // Other faults also stop it, and resume it themselves.
      if (this.standsStill && !this.#log.stopsEngine) {
        stoppedAtMs ??= performance.now();
        if (performance.now() - stoppedAtMs < STOPPED_FOR_MS) continue;
        this.#log.say('the engine stopped itself, and continues');
        engine.kill('SIGCONT');
        stoppedAtMs = undefined;
      }
      if (this.#url === undefined || performance.now() - askedAtMs < ASK_EVERY_MS) continue;
      askedAtMs = performance.now();
      if (!started) started = await this.#start(engine);
      else if (this.#mayEnd && (this.#isReversible || this.latestInThisLife?.state === 'COMMITTED'))
        this.#endCommitted(engine);
      else if (this.#cutoverWanted && (await this.call('commit')).success) this.reach('commit');
    }
  }

  async #start(engine: LinkspanProcess): Promise<boolean> {
    if (this.#url !== undefined) this.#started.add(engine);
    const body = { source: 'cluster0', destination: 'cluster1', ...this.#selection };
    const { success, error } = await this.call('start', { body });
    // An earlier call, whose answer was late, has started it.
    return success || (error === 'WrongState' && this.#watch.isRunning);
  }

  #endCommitted(engine: LinkspanProcess): void {
    this.reach('commit');
    engine.kill('SIGTERM');
  }

  #take(said: Said): void {
    if (said.type !== 'progress') return;
    this.#watch.take(said);
    this.latestAtMs = Date.parse(said.time);
    const moment = MOMENT_OF[workStageOf(said)];
    // A cutover that is to be aborted isn't the last one.
    if (moment !== undefined && (moment !== 'commit' || this.#cutoverWanted)) this.reach(moment);
  }

  /** Notes that the migration has reached the moment, and all before it. */
  reach(moment: Moment): void {
    for (const one of MOMENTS.slice(0, MOMENTS.indexOf(moment) + 1)) this.#reached.get(one)?.resolve();
  }

  #refuseToHang(): void {
    if (this.#log.faultActive) return;
    const sinceMs = (atMs: number) => performance.now() - Math.max(atMs, this.#log.faultChangedAtMs);
    const stillMs = sinceMs(this.#watch.movedAtMs);
    this.longestStillMs = Math.max(this.longestStillMs, stillMs);
    if (stillMs > HANG_AFTER_MS) throw new Error(`there is no progress: ${JSON.stringify(this.latest)}`);
    const givenUp = this.#watch.givenUpAtMs.filter((atMs) => atMs > this.#log.faultChangedAtMs).length;
    if (givenUp > MOST_GIVEN_UP)
      throw new Error(
        `it cancelled its cutover ${givenUp} times without reporting a wait: ${JSON.stringify(this.latest)}`,
      );
    if (sinceMs(this.#watch.stateSinceMs) > SAME_STATE_MS)
      throw new Error(`it stays in its state: ${JSON.stringify(this.latest)}`);
  }

  /** Calls the API of the current process. A failed call can be repeated. */
  async call(name: string, call: Call = {}): Promise<Answer> {
    return await callApi(this.#url, name, call, this.#log);
  }
}
