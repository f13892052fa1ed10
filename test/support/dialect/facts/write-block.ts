import { changeIn, fieldIn, withField, without } from '../bson-edits.ts';
import type { Command, Fact } from '../fact.ts';

const UNSPECIFIED = 'Unspecified';
/** In the order of their numbers in the status of a server. */
const REASONS = [UNSPECIFIED, 'ClusterToClusterMigrationInProgress', 'DiskUseThresholdExceeded'];

const reasonOf = ({ body }: Command) => String(fieldIn(body, 'reason') ?? UNSPECIFIED);

const block: Fact = {
  name: 'a write block has a reason, and only a command with the same reason changes it',
  source:
    'SERVER-102961; mongodb/mongo src/mongo/db/s/user_writes_recoverable_critical_section_service.cpp (acquire and release)',
  recordedFrom: null,
  commands: ['setUserWriteBlockMode'],
  request: (command, { blockReason }) => {
    const reason = reasonOf(command);
    const sets = fieldIn(command.body, 'global') === true;
    if (blockReason === undefined || blockReason === reason) return without(command.body, 'reason');
    const act = sets ? 'acquire' : 'release';
    const what = sets ? 'options' : 'reason';
    const errmsg = `Cannot ${act} user writes critical section with different ${what} than the already existing one. reason: ${reason}, current: ${blockReason}`;
    return { code: 20, codeName: 'IllegalOperation', errmsg };
  },
  reply: (reply, command, server) => {
    server.blockReason = fieldIn(command.body, 'global') === true ? reasonOf(command) : undefined;
    return reply;
  },
};

const status: Fact = {
  name: 'the status of a server has the reason of its block, as a number',
  source: 'https://www.mongodb.com/docs/manual/reference/command/serverStatus/#repl (userWriteBlockReason)',
  recordedFrom: null,
  commands: ['serverStatus'],
  reply: (reply, _, { blockReason = UNSPECIFIED }) =>
    changeIn(reply, 'repl', (repl) => withField(repl, 'userWriteBlockReason', REASONS.indexOf(blockReason))),
};

/** Servers from 8.0.13, 8.1.2 and 8.2 on have reasons. */
export const WRITE_BLOCK: readonly Fact[] = [block, status];
