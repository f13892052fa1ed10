import { type ChildProcess, spawn } from 'node:child_process';
import { redact } from '../platform/index.ts';
import type { CommandHook } from './configuration.ts';
import type { HookEvent } from './event.ts';

/** The only variables that a command inherits: this process's own may have secrets. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];
const KEPT_OUTPUT = 4_096;
const SHOWN_OUTPUT = 500;

/**
 * Runs a command without a shell, with the event as JSON on stdin and in environment variables. Resolves when the
 * command has ended with 0.
 * @param signal  kills the command and its process group: at the time limit, or when this process stops
 * @throws Error with the reason and the end of the output
 */
export async function runCommand({ command }: CommandHook, event: HookEvent, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const [program = '', ...parameters] = command;
  const text = JSON.stringify(event);
  const child = spawn(program, parameters, {
    // A group of its own, so that everything it starts can be killed with it.
    detached: true,
    env: { ...inherited(), ...eventVariables(event, text) },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  // A command may end without reading its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(text);
  const kill = () => {
    killGroup(child);
    // A process that has left the group may hold the pipes, and is not awaited.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  signal.addEventListener('abort', kill);
  try {
    const failure = await endOf(child);
    if (signal.aborted) throw new Error('it was killed: it had not ended in time');
    if (failure === undefined) return;
    const shown = shownOutput(output);
    throw new Error(shown === '' ? failure : `${failure}: ${shown}`);
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** Resolves when the command and everything that holds its output has ended, with a description of the failure. */
async function endOf(child: ChildProcess): Promise<string | undefined> {
  return await new Promise((resolve) => {
    child.on('error', (error) => resolve(`it could not be started: ${error.message}`));
    child.on('close', (code, by) => {
      if (code === 0) resolve(undefined);
      else resolve(by === null ? `it ended with status ${code}` : `it was ended by ${by}`);
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The whole group has ended.
  }
}

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(INHERITED.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : [])));
}

function eventVariables({ id, type, timestamp, data }: HookEvent, text: string): NodeJS.ProcessEnv {
  return {
    LINKSPAN_EVENT: text,
    LINKSPAN_EVENT_ID: id,
    LINKSPAN_EVENT_TYPE: type,
    LINKSPAN_EVENT_TIMESTAMP: timestamp,
    ...('migrationId' in data ? { LINKSPAN_MIGRATION_ID: data.migrationId } : {}),
  };
}

function shownOutput(output: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the output goes to logs and terminals
  const plain = redact(output).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
  return plain.trim().slice(-SHOWN_OUTPUT);
}
