import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** Less than what a listening socket lets wait. */
const AT_ONCE = 200;
/** Files that a process needs for all else. */
const OTHER_FILES = 500;
const BEGINNING = 'POST /link/v1/redeem HTTP/1.1\r\nHost: h\r\n';

export interface IdleSockets extends Disposable {
  /** How many the server has not hung up on. */
  readonly open: number;
  /** Says one more byte where a request has been begun. */
  drip(): void;
}

/** As many of `wanted` sockets as this system lets one process have. Node has raised its limit as far as it may by itself. */
export function affordableSockets(wanted: number): number {
  const [, limit = '1024'] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return Math.min(wanted, Number(limit) - OTHER_FILES);
}

/** Connects to a server of this machine and never says a whole request: half of the sockets say nothing, half the beginning of one. */
export async function openIdleSockets(port: number, count: number): Promise<IdleSockets> {
  const open = new Set<Socket>();
  const begun: Socket[] = [];
  const connectOne = async (at: number) => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    open.add(socket);
    // Its end is only seen when what comes before is read.
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
      // Reset, so that their ports do not wait for a minute.
      for (const socket of open) socket.resetAndDestroy();
    },
  };
}
