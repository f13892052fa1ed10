import { availableParallelism, loadavg } from 'node:os';
import { counted, memoryOfHost } from '../../platform/index.ts';

/** Result of one check of this machine. */
export interface HostFinding {
  readonly level: 'ok' | 'warning';
  readonly subject: string;
  /** The value; for a warning also the remedy. */
  readonly message: string;
}

/** Facts that the checks judge. */
export interface HostFacts {
  readonly memoryBytes: number;
  readonly processors: number;
  /** Runnable processes per processor, over the last minute. */
  readonly load: number;
  /** Infinity without a limit. */
  readonly openFiles: number;
}

const MB = 1_000_000;
/** Twice what a migration takes by default (docs/operate/progress-and-load.md#memory). */
const ENOUGH_MEMORY_BYTES = 1_000 * MB;
/** A server answers as many connections as it can open files (`--max-connections`). */
const ENOUGH_OPEN_FILES = 4_096;
const BUSY_LOAD = 2;

/** Reads the facts of this machine, or of the container that the process runs in. */
export function readHost(): HostFacts {
  const processors = availableParallelism();
  return {
    // Without a limit, the answer is 0 or more than the machine has.
    memoryBytes: memoryOfHost(),
    processors,
    load: (loadavg()[0] ?? 0) / processors,
    openFiles: openFilesLimit(),
  };
}

/** Whether a machine can run a server, an agent or a migration well. */
export function checkHost({ memoryBytes, processors, load, openFiles }: HostFacts): HostFinding[] {
  const memory = `${Math.round(memoryBytes / MB).toLocaleString('en')} MB`;
  return [
    { level: 'ok', subject: 'Node.js', message: `${process.versions.node} for ${process.platform}-${process.arch}` },
    {
      subject: 'memory',
      ...(memoryBytes >= ENOUGH_MEMORY_BYTES
        ? ok(memory)
        : warning(`${memory}. Give it 1,000 MB, or lower the limit of a migration with --memory-megabytes`)),
    },
    {
      subject: 'processors',
      ...(processors > 1 ? ok(counted(processors, 'processor')) : warning('only 1. Give it 2, or expect slow copies')),
    },
    {
      subject: 'load',
      ...(load <= BUSY_LOAD
        ? ok(`${load.toFixed(1)} per processor`)
        : warning(`${load.toFixed(1)} per processor. Stop other programs, or use another host`)),
    },
    {
      subject: 'open files',
      ...(openFiles >= ENOUGH_OPEN_FILES
        ? ok(openFiles === Number.POSITIVE_INFINITY ? 'unlimited' : openFiles.toLocaleString('en'))
        : warning(
            `${openFiles.toLocaleString('en')} at most. Raise the limit to 65,536 (ulimit -n, or LimitNOFILE of a unit)`,
          )),
    },
  ];
}

const ok = (message: string) => ({ level: 'ok', message }) as const;
const warning = (message: string) => ({ level: 'warning', message }) as const;

/** Node's diagnostic report is the only place where it says its limits. */
function openFilesLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } };
  const soft = Number(userLimits?.open_files?.soft);
  return Number.isNaN(soft) ? Number.POSITIVE_INFINITY : soft;
}
