import type { Recorder } from './recorder.ts';
import type { Servers } from './servers.ts';
import type { SoakFolder } from './state.ts';

/** The context of a phase. */
export interface Soak {
  readonly folder: SoakFolder;
  readonly servers: Servers;
  readonly record: Recorder;
  /** Aborts at the time limit of a phase. */
  readonly signal: AbortSignal;
}

/** The longest time of a phase. One that takes longer stops, and resumes when the command is run again. */
export const PHASE_MS = 55 * 60_000;
