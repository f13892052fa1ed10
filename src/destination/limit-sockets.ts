import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/**
 * Counts the open TCP connections of this process. Disposing stops the count.
 * @param most      maximum number of open connections
 * @param exceeded  called when the process opens one more
 */
export function limitSockets(most: number, exceeded: () => void): Disposable {
  let open = 0;
  const count = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket };
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    if (open > most) exceeded();
  };
  subscribe('net.client.socket', count);
  return { [Symbol.dispose]: () => void unsubscribe('net.client.socket', count) };
}
