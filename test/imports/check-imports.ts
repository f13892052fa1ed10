import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { circlesOf } from './circles.ts';
import { importsOf } from './imports-of.ts';
import { type Room, readRooms } from './rooms.ts';
import { Rules } from './rules.ts';

export interface ImportCheck {
  /** One line each; none means that every import keeps to the table. */
  readonly problems: readonly string[];
  /** Files of src looked at. */
  readonly files: number;
}

/**
 * Checks who imports whom, types and dynamic imports included, against the table of rooms in docs/01-architecture.md.
 * A room without a file, and a folder without a room, is a problem too: a check that sees nothing finds nothing.
 * @param root the repository
 */
export function checkImports(root: string): ImportCheck {
  const rooms = readRooms(root);
  const rules = new Rules(rooms);
  const problems: string[] = [];
  const graph = new Map<string, string[]>();
  const files = globSync('{src,test,demo,bench}/**/*.{ts,js}', { cwd: root });
  for (const file of files) {
    const targets: string[] = [];
    for (const { specifier, typeOnly } of importsOf(readFileSync(join(root, file), 'utf8'))) {
      if (!specifier.startsWith('.')) continue;
      const target = join(dirname(file), specifier);
      targets.push(target);
      const problem = rules.problemOf(file, target, typeOnly);
      if (problem) problems.push(`${file} → ${target}: ${problem}`);
    }
    if (file.startsWith('src/')) graph.set(file, targets);
  }
  problems.push(
    ...circlesOf(graph).map((circle) => `a circle: ${circle.join(' → ')}`),
    ...problemsOf(rooms, root, files),
  );
  return { problems, files: graph.size };
}

function problemsOf(rooms: readonly Room[], root: string, files: readonly string[]): string[] {
  const empty = rooms.filter(({ path }) => !files.some((file) => file.startsWith(`${path}/`)));
  const known = new Set(rooms.map(({ path }) => path));
  // Folders of which one subfolder is a room consist of rooms.
  const divided = [
    'src',
    ...rooms.map(({ path }) => path).filter((path) => rooms.some((room) => isIn(room.path, path))),
  ];
  const folders = divided.flatMap((path) => foldersIn(root, path)).filter((path) => !known.has(path));
  return [
    ...empty.map(({ path }) => `${path}: no file was looked at`),
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
