import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import { runningChildren } from './child-processes.ts';
import { eventually } from './eventually.ts';
import { temporaryFolders } from './temporary-folder.ts';

/** What a test may leave open is what was open before it. Handles of the runner itself (pipes, signals) are in neither. */
const WATCHED = ['TCPSocketWrap', 'TCPServerWrap', 'Timeout', 'ProcessWrap', 'FSEventWrap'];

/**
 * From here on, each test of the file (or of the enclosing `describe`) fails when it leaves behind what it did not find: a child process, a
 * temporary folder, a socket (such as a MongoClient's), a server, or a timer. What `before` started may stay.
 * @param deadlineMs how long closing may take: sockets close a moment after they are told to
 */
export function checkForLeaks(deadlineMs = 3_000): void {
  let before: string[] = [];
  beforeEach(() => {
    before = open();
  });
  afterEach(async () => {
    const leaked = () => surplus(open(), before);
    await eventually(() => leaked().length === 0, { deadlineMs, what: 'all to be closed' }).catch(() => undefined);
    assert.deepEqual(leaked(), [], 'the test left something behind');
  });
}

function open(): string[] {
  const resources = process.getActiveResourcesInfo().filter((resource) => WATCHED.includes(resource));
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
