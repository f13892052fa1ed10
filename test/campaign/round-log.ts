import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault, FaultKind } from './fault.ts';

/** Faults during which an engine that stopped itself is resumed anyway. */
const LEAVE_ENGINE: readonly FaultKind[] = ['bypass', 'late'];

/** The events of a round with times, and its current faults. */
export class RoundLog {
  readonly findings: string[] = [];
  /** Output of the engines so far. */
  outputOfEngines = () => '';
  /** Kinds of faults that have started. */
  readonly met = new Set<FaultKind>();
  /** When the last fault began or ended. */
  faultChangedAtMs = performance.now();
  readonly #lines: string[] = [];
  readonly #startedAtMs = performance.now();
  readonly #aloud: boolean;
  readonly #active: FaultKind[] = [];

  /** @param aloud  whether to print each line as well */
  constructor(aloud: boolean) {
    this.#aloud = aloud;
  }

  say(what: string): void {
    const line = `+${((performance.now() - this.#startedAtMs) / 1_000).toFixed(3)} ${what}`;
    this.#lines.push(line);
    if (this.#aloud) console.log(line);
  }

  /** Records a violated rule. */
  find(what: string): void {
    this.findings.push(what);
    this.say(`FINDING: ${what}`);
  }

  get faultActive(): boolean {
    return this.#active.length > 0;
  }

  /** Whether a current fault stops the engine. */
  get stopsEngine(): boolean {
    return this.#active.some((kind) => !LEAVE_ENGINE.includes(kind));
  }

  /** Records the start of a fault. Disposing records its end. */
  fault(fault: Fault): Disposable {
    this.met.add(fault.kind);
    this.#active.push(fault.kind);
    this.faultChangedAtMs = performance.now();
    this.say(`fault begins: ${JSON.stringify(fault)}`);
    return {
      [Symbol.dispose]: () => {
        this.#active.splice(this.#active.indexOf(fault.kind), 1);
        this.faultChangedAtMs = performance.now();
        this.say(`fault ends: ${fault.kind}`);
      },
    };
  }

  /** Writes everything to a folder. @returns the folder */
  keep(folder: string, seed: number): string {
    const path = join(folder, `seed-${seed}`);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'log.txt'), `${this.#lines.join('\n')}\n`);
    writeFileSync(join(path, 'engines.txt'), this.outputOfEngines());
    return path;
  }
}
