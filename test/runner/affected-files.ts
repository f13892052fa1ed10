import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImportGraph, importGraph } from '../imports/import-graph.ts';
import { filesNamedIn, foldersListedIn, isNamedIn } from './named-files.ts';

/** Test files that a change can affect for one reason. */
export interface AffectedGroup {
  /** A verb phrase of which the test files are the subject: `start the program, which src/cli/main.ts is part of`. */
  readonly reason: string;
  readonly files: readonly string[];
}

/** The runner. A change of it, or of a file that it imports, can affect every test. */
const RUNNER = 'test/run.ts';
/** Other files that every test depends on. */
const BELOW_ALL =
  /^(?:package\.json|package-lock\.json|tsconfig\.json|\.npmrc|\.nvmrc|test\/support\/require-node\.js)$/;
const CODE = /\.(?:ts|tsx|js)$/;
const OF_TESTS = /^(?:test|demo|bench|packaging)\//;

const PROGRAM_STARTER = 'test/support/linkspan-process.ts';
/** The program consists of these. */
const PROGRAM = /^(?:src|bin|demo)\//;
const STARTS_PROCESSES = /from '(?:node:child_process|rolldown|vite|[./a-z]*\/child-processes\.ts)'/;
/** Helpers that start servers and tools of others, and read no file of the repository. */
const STARTS_OTHERS = /^test\/support\/(?:child-processes|leak-check|certificates|full-disk|mongod-[a-z]+)\.ts$/;

/**
 * Returns which of the test files the changed files can affect, each once, under the first reason that applies. In doubt it returns more.
 * All paths are relative to the root of the repository.
 */
export function affectedFiles(root: string, changed: readonly string[], testFiles: readonly string[]): AffectedGroup[] {
  const imports = importGraph(root);
  const texts = new Map([...imports.keys()].map((file) => [file, readFileSync(join(root, file), 'utf8')]));
  const ofRunner = reachedFrom([RUNNER], (file) => targetsIn(imports, file));
  const belowAll = changed.filter((file) => BELOW_ALL.test(file) || ofRunner.has(file));
  if (belowAll.length > 0) return [{ reason: `depend on ${listed(belowAll)}`, files: testFiles }];

  const users = usersOf(imports, texts, changed);
  const testCode = [...texts].filter(([file]) => OF_TESTS.test(file) && !STARTS_OTHERS.test(file));
  const those = (seen: (text: string, file: string) => boolean) =>
    testCode.filter(([file, text]) => seen(text, file)).map(([file]) => file);
  const named = changed.filter((file) => !CODE.test(file));
  const inProgram = changed.filter((file) => PROGRAM.test(file));
  const outside = changed.filter((file) => !file.startsWith('test/'));
  const isStarter = (text: string, file: string) => STARTS_PROCESSES.test(text) && file !== PROGRAM_STARTER;
  const lists = (text: string, file: string) =>
    foldersListedIn(root, text, file).some((folder) => changed.some((path) => path.startsWith(folder && `${folder}/`)));
  const reasons: [reason: string, through: readonly string[]][] = [
    [`import or name ${listed(changed)}`, changed],
    [`name ${listed(named)}`, those((text) => named.some((path) => isNamedIn(text, path)))],
    [`start the program, which ${listed(inProgram)} is part of`, inProgram.length > 0 ? [PROGRAM_STARTER] : []],
    [`start another process, which may read ${listed(outside)}`, outside.length > 0 ? those(isStarter) : []],
    ['list a folder that contains a changed file', changed.length > 0 ? those(lists) : []],
  ];
  const left = new Set(testFiles);
  return reasons.flatMap(([reason, through]) => {
    const reached = reachedFrom(through, (file) => users.get(file) ?? []);
    const files = [...left].filter((file) => reached.has(file));
    for (const file of files) left.delete(file);
    return files.length > 0 ? [{ reason, files }] : [];
  });
}

/** Returns for each file the files that import or name it. Imports of types alone don't count: they do not exist at run time. */
function usersOf(imports: ImportGraph, texts: ReadonlyMap<string, string>, changed: readonly string[]) {
  const known = new Set([...imports.keys(), ...changed]);
  const users = new Map<string, Set<string>>();
  for (const [file, text] of texts) {
    const imported = new Set(imports.get(file)?.map(({ target }) => target));
    const named = filesNamedIn(text, file, known).filter((path) => !imported.has(path));
    for (const used of [...targetsIn(imports, file), ...named]) {
      const those = users.get(used) ?? new Set();
      users.set(used, those.add(file));
    }
  }
  return users;
}

function targetsIn(imports: ImportGraph, file: string): string[] {
  return (imports.get(file) ?? []).filter(({ typeOnly }) => !typeOnly).map(({ target }) => target);
}

function reachedFrom(start: readonly string[], next: (file: string) => Iterable<string>): ReadonlySet<string> {
  const reached = new Set(start);
  // A set's iteration includes what is added meanwhile.
  for (const file of reached) for (const other of next(file)) reached.add(other);
  return reached;
}

const SHOWN = 3;

function listed(files: readonly string[]): string {
  const shown = files.slice(0, SHOWN).join(', ');
  return files.length > SHOWN ? `${shown} or ${files.length - SHOWN} others` : shown;
}
