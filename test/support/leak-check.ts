import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import { runningChildren } from './child-processes.ts';
import { eventually } from './eventually.ts';
import { temporaryFolders } from './temporary-folder.ts';

/** What a test may leave open is what was open before it. Handles of the runner itself (pipes, signals) are in neither. */
const WATCHED = ['TCPServerWrap', 'ProcessWrap', 'FSEventWrap'];
/** What a database client has, more or less of it from moment to moment. */
const OF_CLIENTS = ['TCPSocketWrap', 'Timeout'];

export interface LeakCheckOptions {
  /** How long closing may take: sockets close a moment after the call. 3,000 by default. */
  readonly deadlineMs?: number;
  /** False where tests share clusters: the sockets and timers of their clients come and go while a test runs. */
  readonly sockets?: boolean;
}

/**
 * From here on, each test of the file (or of the enclosing `describe`) fails when it leaves behind what it did not find: a child process, a
 * temporary folder, a socket (such as a MongoClient's), a server, or a timer. What `before` started may stay.
 */
export function checkForLeaks({ deadlineMs = 3_000, sockets = true }: LeakCheckOptions = {}): void {
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

function open(watched: readonly string[]): string[] {
  const resources = process.getActiveResourcesInfo().filter((resource) => watched.includes(resource));
  return [...resources, ...runningChildren(), ...temporaryFolders().map((path) => `folder ${path}`)];
}

/** What `now` has more often than `before`. */
function surplus(now: readonly string[], before: readonly string[]): string[] {
  const rest = [...before];
  return now.filter((each) => {
    const index = rest.indexOf(each);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}
