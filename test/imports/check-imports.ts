import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { circlesOf } from './circles.ts';
import { importGraph } from './import-graph.ts';
import { type Room, readRooms } from './rooms.ts';
import { Rules } from './rules.ts';

export interface ImportCheck {
  /** One line for each problem. */
  readonly problems: readonly string[];
  /** Number of checked files of src. */
  readonly files: number;
}

/**
 * Checks all imports, including types and dynamic imports, against the table of rooms in docs/internals/architecture.md.
 * A room without a file and a folder without a room are problems too: otherwise a mistake in the table would hide imports.
 * @param root the repository
 */
export function checkImports(root: string): ImportCheck {
  const rooms = readRooms(root);
  const rules = new Rules(rooms);
  const problems: string[] = [];
  const imports = importGraph(root);
  const graph = new Map<string, string[]>();
  for (const [file, imported] of imports) {
    for (const { target, typeOnly } of imported) {
      const problem = rules.problemOf(file, target, typeOnly);
      if (problem) problems.push(`${file} → ${target}: ${problem}`);
    }
    if (file.startsWith('src/'))
      graph.set(
        file,
        imported.map(({ target }) => target),
      );
  }
  problems.push(
    ...circlesOf(graph).map((circle) => `a circle: ${circle.join(' → ')}`),
    ...problemsOf(rooms, root, [...imports.keys()]),
  );
  return { problems, files: graph.size };
}

function problemsOf(rooms: readonly Room[], root: string, files: readonly string[]): string[] {
  const empty = rooms.filter(({ path }) => !files.some((file) => file.startsWith(`${path}/`)));
  const known = new Set(rooms.map(({ path }) => path));
  // A folder consists of rooms when one of its subfolders is a room.
  const divided = [
    'src',
    ...rooms.map(({ path }) => path).filter((path) => rooms.some((room) => isIn(room.path, path))),
  ];
  const folders = divided.flatMap((path) => foldersIn(root, path)).filter((path) => !known.has(path));
  return [
    ...empty.map(({ path }) => `${path}: no file was checked`),
    ...folders.map((path) => `${path}: a folder without a row in the table of rooms`),
  ];
}

function isIn(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

function foldersIn(root: string, path: string): string[] {
  if (!existsSync(join(root, path))) return [];
  const entries = readdirSync(join(root, path), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${path}/${name}`);
}
