import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../platform/index.ts';
import { type DialAnswer, type DialLine, type DialRequest, dialLine } from './dial-messages.ts';

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const PROGRAM = pathOf('./dialler-process.ts');
const DEPENDENCIES = pathOf('../../node_modules/');

/** The program itself has 105 MB when it has loaded the driver (measured with Node 24 on Linux). */
const MOST_MEMORY_BYTES = 256 << 20;
/** The part of those that JavaScript's own heap may take. The program needs 22 MB. */
const HEAP_MEGABYTES = 96;
/** Often enough that a fast network brings in tens of megabytes meanwhile. */
const LOOK_EVERY_MS = 50;
/** A registration has up to four steps, each of which may take ten seconds; all of them never do. */
const DEADLINE_MS = 30_000;
/** Ten refusals and an answer, each of a thousand characters. */
const MOST_ANSWER_BYTES = 64 << 10;

/**
 * All that it has of the environment: where certificates are that machines of this one's network trust, and where a test stops it. No
 * identity of a cloud, no token, no secret of the server.
 */
const ENVIRONMENT = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'LINKSPAN_TEST_HOOK'];

/** Why a process ended without an answer: it had too much memory or time, said what it may not say, or ended for a reason unknown. */
export class DiallerEnded extends Error {
  readonly why: 'memory' | 'time' | 'answer' | 'unknown';

  constructor(why: DiallerEnded['why'], detail: string) {
    super(`The destination dialler process ended without an answer: ${detail}`);
    this.why = why;
  }
}

/**
 * Starts a process that does one thing on one destination. It has no permission of Node.js to read files other than its program's, to write
 * files or to start processes.
 * @param refused  hears of each connection that was refused
 * @param signal   ends the process
 * @returns its answer, when the process has ended
 * @throws DiallerEnded; the signal's reason
 */
export async function runDiallerProcess(
  request: DialRequest,
  refused: (refusal: string) => void,
  signal: AbortSignal,
): Promise<DialAnswer> {
  signal.throwIfAborted();
  const child = start();
  const ended = once(child, 'close').catch((error: Error) => [error.message, null]);
  child.on('error', () => undefined);
  let ending: DiallerEnded | undefined;
  let answer: DialAnswer | undefined;
  const end = (why?: DiallerEnded) => {
    ending ??= why;
    child.kill('SIGKILL');
  };
  const abort = () => end();
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => end(new DiallerEnded('time', `${DEADLINE_MS / 1000} seconds went by`)), DEADLINE_MS);
  using _watch = watchMemory(child, () =>
    end(new DiallerEnded('memory', `it had more than ${MOST_MEMORY_BYTES} bytes`)),
  );
  readLines(child, (line) => {
    if (line === undefined) end(new DiallerEnded('answer', 'it said what it may not say'));
    else if ('refusal' in line) refused(line.refusal);
    else {
      answer ??= line;
      end();
    }
  });
  // Absent when the process could not be started.
  child.stdin?.on('error', () => undefined).write(`${JSON.stringify(request)}\n`);
  const [code, by] = await ended;
  clearTimeout(timer);
  signal.removeEventListener('abort', abort);
  signal.throwIfAborted();
  if (answer !== undefined) return answer;
  if (ending !== undefined) throw ending;
  // V8 ends a process by SIGABRT when the heap is full.
  throw new DiallerEnded(by === 'SIGABRT' ? 'memory' : 'unknown', by ? `signal ${by}` : `code ${code}`);
}

function start(): ChildProcess {
  const environment = ENVIRONMENT.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : []));
  try {
    return spawn(process.execPath, [...permissions(), `--max-old-space-size=${HEAP_MEGABYTES}`, PROGRAM], {
      cwd: '/',
      env: Object.fromEntries(environment),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  } catch (error) {
    throw new DiallerEnded('unknown', messageOf(error));
  }
}

function permissions(): string[] {
  const readable = [pathOf('../'), pathOf('../../package.json'), DEPENDENCIES, `${realpathSync(DEPENDENCIES)}/`];
  // Node.js 25 and newer let a program with permissions connect only when told to; older ones don't know the flag.
  const network = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [];
  return ['--permission', ...network, ...readable.map((path) => `--allow-fs-read=${path}`)];
}

/** Calls `told` with each line, and with undefined where one is not of the form, or when there are too many of them. */
function readLines({ stdout }: ChildProcess, told: (line: DialLine | undefined) => void): void {
  let text = '';
  let bytes = 0;
  stdout?.setEncoding('utf8').on('data', (part: string) => {
    bytes += Buffer.byteLength(part);
    if (bytes > MOST_ANSWER_BYTES) return told(undefined);
    const lines = (text + part).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) told(parse(line));
  });
}

function parse(line: string): DialLine | undefined {
  try {
    return dialLine.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** Has the kernel end this process before others, and keep its memory out of core dumps, and looks at how much it has. */
function watchMemory({ pid }: ChildProcess, exceeded: () => void): Disposable {
  if (pid === undefined || process.platform !== 'linux') return { [Symbol.dispose]: () => undefined };
  const look = () => {
    const [, kilobytes = 0] = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`)) ?? [];
    if (Number(kilobytes) * 1024 > MOST_MEMORY_BYTES) exceeded();
  };
  for (const [file, value] of [
    ['oom_score_adj', '1000'],
    ['coredump_filter', '0'],
  ])
    write(`/proc/${pid}/${file}`, value ?? '');
  const timer = setInterval(look, LOOK_EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Nothing when the process has ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function write(file: string, value: string): void {
  try {
    writeFileSync(file, value);
  } catch {
    // The process has ended, or the machine forbids it: both are precautions beside the limits.
  }
}
