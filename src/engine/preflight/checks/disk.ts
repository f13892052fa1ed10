import { type Found, found, NO_TIME } from '../finding.ts';
import type { Look } from '../look.ts';
import { type Disk, readDisk, type Sizes } from '../sizes.ts';

/**
 * Whether the destination has room: an error when it has less than the source's files take, a warning below twice the
 * size of the documents (docs/reference/pitfalls.md#pitfall-53).
 */
export async function checkDisk(look: Look): Promise<Found[]> {
  // An unfinished migration has used a part of the space that it needs.
  if (look.options.skipDiskSpaceCheck) return [];
  const [isNew, disk] = await Promise.all([look.isNew(), readDisk(look.destination, look.signal)]);
  if (!isNew) return [];
  if (disk === undefined) return [found('CHECK_INCOMPLETE', ["the destination's disk", 'its server does not tell'])];
  const drops = (look.options.dropDestination && !look.options.keepDestination) ?? false;
  const sizes = await look.sizes();
  const unknown = sizes.left === 0 ? [] : [found('CHECK_INCOMPLETE', ['the size of all that is migrated', NO_TIME])];
  return [...judgeDisk(sizes, disk, drops), ...unknown];
}

/** @param drops  whether the destination's data is dropped first */
export function judgeDisk({ bytes, storedBytes }: Sizes, disk: Disk, drops: boolean): Found[] {
  const freeBytes = disk.freeBytes + (drops ? disk.takenBytes : 0);
  if (freeBytes < storedBytes) return [found('DISK_TOO_SMALL', [gigabytes(freeBytes), gigabytes(storedBytes)])];
  const wantedBytes = 2 * bytes;
  return freeBytes < wantedBytes ? [found('DISK_TIGHT', [gigabytes(freeBytes), gigabytes(wantedBytes)])] : [];
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1);
}
