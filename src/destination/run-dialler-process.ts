import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { messageOf, ownFile, programBeside } from '../platform/index.ts';
import { type DialAnswer, type DialLine, type DialRequest, dialLine } from './dial-messages.ts';

const PROGRAM = programBeside(import.meta.url, 'dialler-process');
/** Where npm has put the driver and its dependencies: below this package, or beside it. */
const DEPENDENCIES = [
  ownFile('node_modules/'),
  `${dirname(dirname(createRequire(import.meta.url).resolve('mongodb/package.json')))}/`,
];
/** The sources, or the compiled program. */
const CODE = dirname(dirname(PROGRAM));

/** Memory limit of a process. With the driver loaded, the program uses 105 MB (measured with Node 24 on Linux). */
const MOST_MEMORY_BYTES = 256 << 20;
/** Limit of the JavaScript heap within that. The program needs 22 MB. */
const HEAP_MEGABYTES = 96;
/** Interval of the memory check. On a fast network, tens of megabytes can arrive in this time. */
const LOOK_EVERY_MS = 50;
/** Time limit of a process. A registration has up to four steps of at most ten seconds each, which never all take that long. */
const DEADLINE_MS = 30_000;
/** Enough for ten refusals and an answer of a thousand characters each. */
const MOST_ANSWER_BYTES = 64 << 10;

/**
 * The only environment variables that the process gets: paths of trusted certificates, and the hook of tests. So it has no cloud identity,
 * no token and no secret of the server.
 */
const ENVIRONMENT = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'LINKSPAN_TEST_FAILPOINT'];

/** A process ended without an answer: it used too much memory or time, wrote an invalid line, or ended for an unknown reason. */
export class DiallerEnded extends Error {
  readonly why: 'memory' | 'time' | 'answer' | 'unknown';

  constructor(why: DiallerEnded['why'], detail: string) {
    super(`The destination dialler process ended without an answer: ${detail}`);
    this.why = why;
  }
}

/**
 * Starts a process that carries out one request on one destination. Node's permissions let it read only its program's files. It can't
 * write files or start processes.
 * @param refused  called with each refused connection
 * @param signal   ends the process
 * @returns its answer, after the process has ended
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
  const timer = setTimeout(
    () => end(new DiallerEnded('time', `it took more than ${DEADLINE_MS / 1000} seconds`)),
    DEADLINE_MS,
  );
  using _watch = watchMemory(child, () =>
    end(new DiallerEnded('memory', `it used more than ${MOST_MEMORY_BYTES} bytes of memory`)),
  );
  readLines(child, (line) => {
    if (line === undefined) end(new DiallerEnded('answer', 'it wrote an invalid line'));
    else if ('refusal' in line) refused(line.refusal);
    else {
      answer ??= line;
      end();
    }
  });
  // stdin is absent when the process could not start.
  child.stdin?.on('error', () => undefined).write(`${JSON.stringify(request)}\n`);
  const [code, by] = await ended;
  clearTimeout(timer);
  signal.removeEventListener('abort', abort);
  signal.throwIfAborted();
  if (answer !== undefined) return answer;
  if (ending !== undefined) throw ending;
  // V8 ends a process with SIGABRT when the heap is full.
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
  const readable = [`${CODE}/`, ownFile('package.json'), ...DEPENDENCIES];
  // Node.js 25 and newer need this flag to let a program with permissions connect; older versions don't know it.
  const network = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [];
  return ['--permission', ...network, ...readable.map((path) => `--allow-fs-read=${path}`)];
}

/** Calls `received` with each line, and with undefined for an invalid line or too much output. */
function readLines({ stdout }: ChildProcess, received: (line: DialLine | undefined) => void): void {
  let text = '';
  let bytes = 0;
  stdout?.setEncoding('utf8').on('data', (part: string) => {
    bytes += Buffer.byteLength(part);
    if (bytes > MOST_ANSWER_BYTES) return received(undefined);
    const lines = (text + part).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) received(parse(line));
  });
}

function parse(line: string): DialLine | undefined {
  try {
    return dialLine.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** Makes the kernel kill this process before others and exclude its memory from core dumps, and checks its memory use. */
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

/** Reads a file of /proc; empty when the process has ended. */
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
    // The process has ended, or the machine forbids it. Both settings are only precautions in addition to the limits.
  }
}
