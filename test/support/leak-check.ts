import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import { runningChildren } from './child-processes.ts';
import { eventually } from './eventually.ts';
import { idleServers } from './server-pool.ts';
import { temporaryFolders } from './temporary-folder.ts';

/** Resources that a test must not leave open. Handles of the runner itself (pipes, signals) are not among them. */
const WATCHED = ['TCPServerWrap', 'ProcessWrap', 'FSEventWrap'];
/** Resources of database clients, whose number changes all the time. */
const OF_CLIENTS = ['TCPSocketWrap', 'Timeout'];

export interface LeakCheckOptions {
  /** Maximum time for closing: sockets close a moment after the call. 30,000 by default. */
  readonly deadlineMs?: number;
  /** False when tests share clusters: their clients open and close sockets and timers while a test runs. */
  readonly sockets?: boolean;
}

/**
 * Makes each later test of the file (or of the enclosing `describe`) fail when it leaves a new resource open: a child process, a temporary
 * folder, a socket (such as a MongoClient's), a server, or a timer. Resources that `before` opened may stay open.
 */
export function checkForLeaks({ deadlineMs = 30_000, sockets = true }: LeakCheckOptions = {}): void {
  const watched = sockets ? [...WATCHED, ...OF_CLIENTS] : WATCHED;
  let before: string[] = [];
  beforeEach(() => {
    before = open(watched);
  });
  afterEach(async () => {
    const leaked = () => surplus(open(watched), before);
    await eventually(() => leaked().length === 0, { deadlineMs, what: 'all to be closed' }).catch(() => undefined);
    assert.deepEqual(leaked(), [], 'the test left something behind');
  });
}

/** Returns handles of these kinds, and child processes and temporary folders, without those of servers that wait for the next test. */
function open(watched: readonly string[]): string[] {
  const resources = process.getActiveResourcesInfo().filter((resource) => watched.includes(resource));
  for (const _ of idleServers().flatMap(({ members }) => members))
    resources.splice(resources.indexOf('ProcessWrap'), 1);
  return [...resources, ...openResources()];
}

/** Returns child processes and temporary folders, without those of servers that wait for the next test. */
export function openResources(): string[] {
  const idle = idleServers();
  const isIdle = (child: string) =>
    idle.some(({ members }) => members.some(({ pid }) => child.endsWith(`(process ${pid})`)));
  const folders = temporaryFolders().filter((path) => !idle.some(({ folder }) => folder === path));
  return [...runningChildren().filter((child) => !isIdle(child)), ...folders.map((path) => `folder ${path}`)];
}

/** Returns the items that occur more often in `now` than in `before`. */
function surplus(now: readonly string[], before: readonly string[]): string[] {
  const rest = [...before];
  return now.filter((each) => {
    const index = rest.indexOf(each);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}
