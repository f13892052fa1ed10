import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { isOnAccessList } from '../http/index.ts';

/** Where no MongoDB and no control plane is, but clouds give machines their credentials. */
const NEVER_DIALLED = [
  '169.254.0.0/16',
  'fe80::/10',
  // Metadata services outside of the link-local blocks: AWS, Alibaba, Oracle.
  'fd00:ec2::254',
  '100.100.100.200',
  '192.0.0.192',
  // "This host", multicast, reserved.
  '0.0.0.0/8',
  '::',
  '224.0.0.0/3',
  'ff00::/8',
];

export function isNeverDialled(address: string): boolean {
  return isOnAccessList(NEVER_DIALLED, address);
}

/**
 * Has every TCP connection of this process closed, before it says anything, when it leads to an address that no migration needs. It is
 * the address that was connected to that counts, whatever led there: a connection string, DNS and what it says the next time, an SRV
 * record, or a member that a cluster's `hello` names. Disposing ends that.
 * @param told  hears of each: the driver only says that it found no server
 */
export function guardDialling(told: (address: string) => void, isRefused = isNeverDialled): Disposable {
  const watch = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket };
    // Before whoever opened it can listen, so that it is closed before anything is written.
    socket.once('connect', () => {
      const { remoteAddress } = socket;
      if (remoteAddress === undefined || !isRefused(remoteAddress)) return;
      told(remoteAddress);
      socket.destroy(
        new Error(`the agent connects to no link-local, metadata or multicast address (${remoteAddress})`),
      );
    });
  };
  subscribe('net.client.socket', watch);
  return { [Symbol.dispose]: () => unsubscribe('net.client.socket', watch) };
}
