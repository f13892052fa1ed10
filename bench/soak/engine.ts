import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import type { LeaderProgress } from '../../src/sync/index.ts';
import { memoryOf } from '../../test/engine/memory/slow-destination.ts';
import { eventually } from '../../test/support/eventually.ts';
import { freePort } from '../../test/support/mongod-process.ts';
import { type SyncProcess, startSync } from '../../test/support/sync-process.ts';
import type { Figures } from './recorder.ts';
import { readRecord } from './report.ts';
import { PHASE_MS, type Soak } from './soak.ts';

const POLL_MS = 100;
/** A request that takes longer counts as not answered. */
const ANSWER_MS = 20_000;
const SHOWN_CHARACTERS = 2_000;

/** A migration by `linkspan sync --reversible`, in one process after the other. */
export class SoakEngine implements AsyncDisposable {
  readonly #soak: Soak;
  #sync: SyncProcess | undefined;
  #metrics = '';
  /** Aborted with the error of a process that ended by itself. */
  readonly #failed = new AbortController();
  #formerSeconds = 0;
  #currentSeconds = 0;

  private constructor(soak: Soak) {
    this.#soak = soak;
  }

  /** Starts the migration, or resumes it. */
  static async start(soak: Soak): Promise<SoakEngine> {
    const engine = new SoakEngine(soak);
    // The record has the processor time of earlier commands.
    engine.#formerSeconds =
      readRecord(soak.folder.record).findLast((one) => one.processorSeconds)?.processorSeconds ?? 0;
    await engine.start();
    return engine;
  }

  async start(): Promise<void> {
    const port = await freePort();
    const sync = await startSync(this.#soak.servers.uris, ['--reversible', '--metrics-listen', `127.0.0.1:${port}`]);
    this.#sync = sync;
    this.#metrics = `http://127.0.0.1:${port}/metrics`;
    void sync.linkspan.exit.then(({ code, signal }) => {
      appendFileSync(join(this.#soak.folder.path, 'engine.log'), `${sync.linkspan.stderr}\n`);
      if (this.#sync !== sync) return;
      const last = sync.linkspan.stderr.slice(-SHOWN_CHARACTERS);
      this.#failed.abort(new Error(`linkspan sync ended with ${code ?? signal}: ${last}`));
    });
  }

  /** Ends the process. The migration resumes at the next start. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const linkspan = this.#sync?.linkspan;
    this.#sync = undefined;
    let hasEnded = linkspan === undefined;
    void linkspan?.exit.then(() => {
      hasEnded = true;
    });
    linkspan?.kill(signal);
    await eventually(() => hasEnded, { what: `linkspan sync to end after ${signal}` });
    this.#formerSeconds += this.#currentSeconds;
    this.#currentSeconds = 0;
  }

  /** Returns the progress; undefined while no process answers. */
  async progress(): Promise<LeaderProgress | undefined> {
    return await answered(this.#sync?.progress());
  }

  /** Sends a request. @returns whether it was accepted */
  async call(name: string): Promise<boolean> {
    return (await answered(this.#sync?.call(name)))?.success === true;
  }

  /**
   * Waits for a condition of the progress, at most until the end of the phase.
   * @throws Error when the process ends by itself
   */
  async until<T>(what: string, condition: (progress: LeaderProgress) => T | Promise<T>): Promise<NonNullable<T>> {
    const signal = AbortSignal.any([this.#failed.signal, this.#soak.signal]);
    const look = async () => {
      const progress = await this.progress();
      return progress === undefined ? undefined : await condition(progress);
    };
    return await eventually(look, { what, signal, pollMs: POLL_MS, deadlineMs: PHASE_MS });
  }

  /** Returns the figures of the moment, for the record; none while no process answers. */
  async figures(destination: MongoClient): Promise<Figures> {
    const progress = await this.progress();
    const sync = this.#sync;
    if (progress === undefined || sync === undefined) return {};
    const [metrics, records] = await Promise.all([
      fetch(this.#metrics, { signal: AbortSignal.timeout(ANSWER_MS) }).then(async (response) => await response.text()),
      destination.db('linkspan_internal').stats(),
    ]);
    const gauge = (name: string) => Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(metrics)?.[1]);
    const { nowMegabytes, mostMegabytes } = memoryOf(sync.linkspan.pid);
    this.#currentSeconds = gauge('process_cpu_seconds_total');
    const processorSeconds = this.#formerSeconds + this.#currentSeconds;
    const { copy, rates, verification, state, stage, failback, notReadyReasons } = progress.linkspan ?? {};
    const copiedDocuments = copy?.documentsCopied;
    return {
      state,
      stage,
      reasons: failback?.notReadyReasons ?? notReadyReasons,
      copiedBytes: copy?.bytesCopied,
      copiedDocuments,
      comparedBytes: verification?.bytesCompared,
      copyBytesPerSecond: rates?.bytesPerSecond,
      compareBytesPerSecond: verification?.bytesPerSecond,
      lagSeconds: progress.lagTimeSeconds,
      rssMegabytes: nowMegabytes,
      peakMegabytes: mostMegabytes,
      heapMegabytes: gauge('nodejs_heap_size_used_bytes') / 1e6,
      externalMegabytes: gauge('nodejs_external_memory_bytes') / 1e6,
      processorSeconds,
      processorMicrosPerDocument: copiedDocuments ? (processorSeconds / copiedDocuments) * 1e6 : undefined,
      recordsMegabytes: (records.storageSize + records.indexSize) / 1e6,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM');
  }
}

/** Returns the answer to a request; undefined when there is none in time. */
async function answered<T>(answer: Promise<T> | undefined): Promise<T | undefined> {
  return await Promise.race([answer, delay(ANSWER_MS, undefined, { ref: false })]).catch(() => undefined);
}
