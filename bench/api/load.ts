import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Connection } from './connection.ts';
import type { Kind, Listening } from './server-process.ts';

const SERVER = fileURLToPath(new URL('server-process.ts', import.meta.url));

/** A server in a separate process. */
export interface Server extends Listening, AsyncDisposable {}

/** Starts a server process. @param folder  folder for its store */
export async function startServer(kind: Kind, folder: string): Promise<Server> {
  const child: ChildProcess = fork(SERVER, [kind, join(folder, kind)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [listening] = (await once(child, 'message')) as [Listening];
  return {
    ...listening,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  /** Expected status of every answer. */
  readonly status: 201 | 401;
}

export interface Load {
  readonly perSecond: number;
  /** Duration of each request in milliseconds, ascending. */
  readonly latenciesMs: readonly number[];
}

/** Creates link-tokens on several parallel connections. If 401 is expected, it sends no credentials. */
export async function load(server: Listening, { connections, seconds, status }: LoadOptions): Promise<Load> {
  const isSigned = status === 201 && server.publicKey !== '';
  const opened = await Promise.all(Array.from({ length: connections }, () => Connection.open(server, isSigned)));
  const latenciesMs: number[] = [];
  const began = performance.now();
  const work = async (connection: Connection) => {
    let now = performance.now();
    while (now - began < seconds * 1000) {
      const asked = now;
      const answered = await connection.create();
      now = performance.now();
      latenciesMs.push(now - asked);
      if (answered !== status) throw new Error(`answered ${answered} instead of ${status}`);
    }
  };
  await Promise.all(opened.map(work));
  const tookSeconds = (performance.now() - began) / 1000;
  for (const connection of opened) connection.close();
  return { perSecond: latenciesMs.length / tookSeconds, latenciesMs: latenciesMs.sort((a, b) => a - b) };
}

/** Returns a percentile. @param sorted  values, ascending */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
