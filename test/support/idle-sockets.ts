import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** Below the backlog of a listening socket. */
const AT_ONCE = 200;
/** Files that a process needs for everything else. */
const OTHER_FILES = 500;
const BEGINNING = 'POST /link/v1/redeem HTTP/1.1\r\nHost: h\r\n';

export interface IdleSockets extends Disposable {
  /** Number of sockets that the server has not closed. */
  readonly open: number;
  /** Sends one more byte of each request that was begun. */
  drip(): void;
}

/** Returns `wanted`, or the number of sockets that this system allows a process. Node has already raised its limit to the maximum. */
export function affordableSockets(wanted: number): number {
  const [, limit = '1024'] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return Math.min(wanted, Number(limit) - OTHER_FILES);
}

/** Connects to a server of this machine and never sends a whole request: half of the sockets send nothing, the others the beginning of one. */
export async function openIdleSockets(port: number, count: number): Promise<IdleSockets> {
  const open = new Set<Socket>();
  const begun: Socket[] = [];
  const connectOne = async (at: number) => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    open.add(socket);
    // A socket reports its end only after all data before it was read.
    socket.resume().once('close', () => open.delete(socket));
    if (at % 2 === 0) return;
    socket.write(BEGINNING);
    begun.push(socket);
  };
  for (let first = 0; first < count; first += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, at) => connectOne(at)));
  }
  return {
    get open() {
      return open.size;
    },
    drip: () => {
      for (const socket of begun) if (open.has(socket)) socket.write('x');
    },
    [Symbol.dispose]: () => {
      // A reset frees the ports at once; after a normal close they stay reserved for a minute.
      for (const socket of open) socket.resetAndDestroy();
    },
  };
}
