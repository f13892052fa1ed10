import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A folder of `src` with its place in the one direction of imports. */
export interface Room {
  /** From the repository's root on. */
  readonly path: string;
  readonly rank: number;
  /** Rooms of `src/` that it may use; undefined for every one of a lower rank. */
  readonly uses: readonly string[] | undefined;
  /** Rooms of which it may use only types. */
  readonly usesTypesOf: readonly string[];
}

const ROW = /^\| `(src\/[^`]+)` \| (\d+) \| [^|]+ \| ([^|]*)\|$/gm;

/** The rooms of docs/01-architecture.md. @param root  the repository */
export function readRooms(root: string): Room[] {
  const page = readFileSync(join(root, 'docs/01-architecture.md'), 'utf8');
  return [...page.matchAll(ROW)].map(([, path = '', rank, cell = '']) => {
    const names = [...cell.matchAll(/(types of )?`([^`]+)`/g)];
    const usesTypesOf = names.flatMap(([, types, name = '']) => (types ? [name] : []));
    const uses = names.length === 0 ? undefined : names.map(([, , name = '']) => name);
    return { path, rank: Number(rank), uses, usesTypesOf };
  });
}
