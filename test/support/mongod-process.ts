import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { spawnTracked } from './child-processes.ts';
import { findMongod } from './mongod-binary.ts';

/** Below the range for outgoing connections, so that none of those can take our port. */
const PORT_RANGE = { from: 20_000, to: 32_000 } as const;
const START_ATTEMPTS = 5;
const START_DEADLINE_MS = 60_000;
const KEPT_LOG_LINES = 40;
/** Exit code of a mongod whose port is in use when it binds to it. */
const EXIT_NET_ERROR = 48;
/** Id of the log line "Error listening for new connections on listen address": another server took the port after this one was bound to it. */
const NOT_LISTENING = '"id":31339';
/** Id of the log line "Waiting for connections". */
const LISTENING = '"id":23016';

/** A running mongod. It keeps its port and its data when it is killed and restarted. */
export class MongodProcess {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #path: string;
  #child: ChildProcess | undefined;

  private constructor(path: string, port: number, args: readonly string[]) {
    this.#path = path;
    this.port = port;
    this.#args = args;
  }

  /**
   * Starts a mongod on loopback and waits until it listens.
   * @param args   all arguments except address and port
   * @param binary path of the mongod; by default the one that `findMongod` returns
   * @param ownPort  its port; a free one by default
   */
  static async start(args: readonly string[], binary?: string, ownPort?: number): Promise<MongodProcess> {
    const path = binary ?? (await findMongod()).path;
    for (let attempt = 1; ; attempt++) {
      const mongod = new MongodProcess(path, ownPort ?? (await freePort()), args);
      try {
        await mongod.restart();
        return mongod;
      } catch (error) {
        if (ownPort !== undefined || attempt === START_ATTEMPTS || !(error instanceof PortTaken)) throw error;
      }
    }
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Ends the process and waits until it has ended. A graceful end (SIGTERM) takes longer. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** Lets this process end although the server runs, which ends it; or not any more. */
  keepAlive(keep: boolean): void {
    const child = this.#child;
    for (const each of [child, child?.stdout, child?.stderr] as (Socket | ChildProcess | undefined)[]) {
      if (keep) each?.ref();
      else each?.unref();
    }
  }

  /** The folder with its data. */
  get dataPath(): string {
    const path = this.#args[this.#args.indexOf('--dbpath') + 1];
    if (path === undefined) throw new Error('this mongod has no data folder');
    return path;
  }

  /** Kills the process and restarts it without its data. */
  async wipe(): Promise<void> {
    await this.kill();
    rmSync(this.dataPath, { recursive: true });
    mkdirSync(this.dataPath);
    await this.restart();
  }

  /**
   * Starts the process on its port and data, and waits until it listens.
   * @param binary  path of the mongod; by default the one that it was started with
   */
  async restart(binary = this.#path): Promise<void> {
    if (this.#child) throw new Error(`mongod on port ${this.port} runs already`);
    const args = ['--bind_ip', '127.0.0.1', '--port', String(this.port), ...this.#args];
    const child = spawnTracked(`mongod on port ${this.port}`, binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const ended = once(child, 'exit');
    void ended.then(() => {
      if (this.#child === child) this.#child = undefined;
    });
    const log: string[] = [];
    let isPortTaken = false;
    const listening = Promise.withResolvers<void>();
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        log.push(line);
        if (log.length > KEPT_LOG_LINES) log.shift();
        isPortTaken ||= line.includes(NOT_LISTENING);
        if (line.includes(LISTENING)) listening.resolve();
      });
    }
    void ended.then(([code]) => {
      listening.reject(
        isPortTaken || code === EXIT_NET_ERROR
          ? new PortTaken(`port ${this.port} is taken`)
          : new Error(`mongod ended with code ${code}:\n${log.join('\n')}`),
      );
    });
    const deadline = setTimeout(() => child.kill('SIGKILL'), START_DEADLINE_MS);
    await listening.promise.finally(() => clearTimeout(deadline));
  }
}

class PortTaken extends Error {}

/** Returns a loopback port on which no server listens at the moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORT_RANGE.from, PORT_RANGE.to);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
