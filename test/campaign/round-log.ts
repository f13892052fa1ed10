import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault, FaultKind } from './fault.ts';

/** Faults during which an engine that stopped itself is resumed all the same. */
const LEAVE_ENGINE: readonly FaultKind[] = ['bypass', 'late'];

/** What happened in a round, with times, and the faults of the moment. */
export class RoundLog {
  readonly findings: string[] = [];
  /** What the engines wrote so far. */
  outputOfEngines = () => '';
  /** Kinds of faults that have begun. */
  readonly met = new Set<FaultKind>();
  /** When the last fault began or ended. */
  faultChangedAtMs = performance.now();
  readonly #lines: string[] = [];
  readonly #startedAtMs = performance.now();
  readonly #aloud: boolean;
  readonly #active: FaultKind[] = [];

  /** @param aloud  whether each line is printed as well */
  constructor(aloud: boolean) {
    this.#aloud = aloud;
  }

  say(what: string): void {
    const line = `+${((performance.now() - this.#startedAtMs) / 1_000).toFixed(3)} ${what}`;
    this.#lines.push(line);
    if (this.#aloud) console.log(line);
  }

  /** Something that must not be. */
  find(what: string): void {
    this.findings.push(what);
    this.say(`FINDING: ${what}`);
  }

  get faultActive(): boolean {
    return this.#active.length > 0;
  }

  /** Whether a fault of the moment stops the engine. */
  get stopsEngine(): boolean {
    return this.#active.some((kind) => !LEAVE_ENGINE.includes(kind));
  }

  /** A fault begins; disposing says that it has ended. */
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

  /** Writes it all down. @returns the folder */
  keep(folder: string, seed: number): string {
    const path = join(folder, `seed-${seed}`);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'log.txt'), `${this.#lines.join('\n')}\n`);
    writeFileSync(join(path, 'engines.txt'), this.outputOfEngines());
    return path;
  }
}
