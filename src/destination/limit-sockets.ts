import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/**
 * Counts the TCP connections that this process opens and has not closed. Disposing ends that.
 * @param most      how many there may be at a time
 * @param exceeded  is called when one more is opened
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
