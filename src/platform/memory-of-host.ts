import { totalmem } from 'node:os';

/** Returns the memory of this machine, or of the container that the process runs in, in bytes. */
export function memoryOfHost(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
