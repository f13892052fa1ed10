import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { type ErrorCode, errorCatalogue, knownError, messageOf, UserError } from '../../src/platform/index.ts';

const catalogue = Object.entries(errorCatalogue);

describe('the error catalogue', () => {
  it('has a detail and a remedy for every error', () => {
    for (const [code, { detail, remedy }] of catalogue) {
      assert.match(detail, /\S/, code);
      assert.match(remedy, /\w.*(\.|: %)$/, `the remedy of ${code} is a sentence, or ends with a command`);
    }
  });

  it('gives every error an HTTP status of an error, and every warning the status of success', () => {
    const warnings = catalogue.filter(([, { status }]) => status === 200).map(([code]) => code);
    assert.deepEqual(warnings.toSorted(), [
      'ACCOUNTS_KEPT',
      'BLOCK_OWNER_UNSEEN',
      'CAPPED_UNCERTAIN',
      'CHECK_INCOMPLETE',
      'CLOCKS_DIFFER',
      'CLUSTER_PARAMETERS_LEFT',
      'CONNECTION_NOT_ENCRYPTED',
      'DEFAULT_CONCERNS_DIFFER',
      'DESTINATION_KEPT',
      'DESTINATION_UNPROTECTED',
      'DISK_TIGHT',
      'DOCUMENTS_NEAR_LIMIT',
      'EQUAL_IDS',
      'EXTERNAL_WRITES',
      'EXTERNAL_WRITES_UNSEEN',
      'FILE_LIMIT_LOW',
      'FINDINGS_LEFT_OUT',
      'HOST_BUSY',
      'INDEXES_AT_LIMIT',
      'INDEXES_LEFT',
      'INDEX_FILTERS_LEFT',
      'INDEX_MODERNISED',
      'MEMBER_TAGS_LEFT',
      'OLD_SOURCE_ACCOUNTS_CHANGED',
      'OPLOG_SHORT',
      'PART_NOT_BLOCKED',
      'PATTERN_MATCHES_NOTHING',
      'PROFILER_ON',
      'QUERY_SETTINGS_LEFT',
      'RANDOM_IDS',
      'RECOVERY_MAY_FAIL',
      'SEARCH_INDEXES_LEFT',
      'SECONDARIES_UNUSED',
      'SHARDED_BLOCK_WAITS',
      'SHARDED_SOURCE_EXPERIMENTAL',
      'SHARD_OPLOGS_UNSEEN',
      'SOURCE_NOT_BLOCKED',
      'SOURCE_UNWATCHED',
      'SOURCE_WRITTEN_AFTER_COMMIT',
      'UNSTREAMED_WRITES_UNSEEN',
      'USERS_BYPASS_BLOCK',
      'USERS_STAY',
      'VERSION_NOT_TRIED',
      'WRITES_BLOCKED',
      'WRITE_CONCERNS_LEFT',
    ]);
    for (const [code, { status, severity }] of catalogue) assert.equal(severity === 'WARNING', status === 200, code);
    for (const [code, { status }] of catalogue) assert.ok(status === 200 || (status >= 400 && status < 600), code);
  });

  it('declares what an error holds up, and which errors the engine tries again', () => {
    const codesWith = (holds: (entry: (typeof catalogue)[number][1]) => boolean) =>
      catalogue.filter(([, entry]) => holds(entry)).map(([code]) => code);
    assert.deepEqual(
      codesWith(({ scope }) => scope === 'collection'),
      ['NAMESPACE_CONFLICT', 'ID_ON_TWO_SHARDS'],
    );
    assert.deepEqual(codesWith(({ retry }) => retry === 'transient').toSorted(), [
      'DESTINATION_UNREACHABLE',
      'REPLICA_SET_NOT_INITIATED',
      'SOURCE_UNREACHABLE',
      'STANDALONE_SERVER',
      'WRONG_REPLICA_SET',
    ]);
    assert.equal(errorCatalogue.MIGRATION_HOST_LOST.scope, 'request');
    assert.equal(errorCatalogue.HISTORY_LOST.scope, 'migration');
  });

  it('names every error in the style of Atlas', () => {
    for (const [code, { atlasCode = code }] of catalogue) assert.match(atlasCode, /^[A-Z][A-Z0-9_]+$/, code);
  });

  it('describes no two errors in the same words', () => {
    const details = catalogue.map(([, { detail }]) => detail);
    const twice = details.filter((detail, index) => detail !== '%.' && details.indexOf(detail) !== index);
    assert.deepEqual(twice, []);
  });
});

describe('an error for the user', () => {
  it('fills in its parameters in order', () => {
    const { message, parameters } = new UserError('INVALID_CONNECTION_STRING', ['source', 'no host']);
    assert.equal(message, 'The connection string of the source is not valid: no host.');
    assert.deepEqual(parameters, ['source', 'no host']);
  });

  it('does not treat a % in a parameter as a placeholder', () => {
    const { message } = new UserError('INVALID_CONNECTION_STRING', ['source', '100 % wrong']);
    assert.equal(message, 'The connection string of the source is not valid: 100 % wrong.');
  });

  it('has no placeholder left when all its parameters are given', () => {
    for (const [code, { detail }] of catalogue) {
      const given = Array.from(detail.matchAll(/%/g), (_, index) => `<${index}>`);
      const { message } = new UserError(code as ErrorCode, given);
      assert.doesNotMatch(message, /%|\?\?/, code);
      for (const parameter of given) assert.ok(message.includes(parameter), code);
    }
  });

  it('keeps its cause, and has a remedy', () => {
    const cause = new Error('connection refused');
    const error = new UserError('SOURCE_UNREACHABLE', ['db1'], { cause });
    assert.equal(error.cause, cause);
    assert.equal(error.remedy, errorCatalogue.SOURCE_UNREACHABLE.remedy);
    assert.equal(error.definition.status, 400);
  });
});

describe('the message of any thrown value', () => {
  it('is one line', () => {
    assert.equal(messageOf(new Error('first\n  second ')), 'first second');
    assert.equal(messageOf('a text'), 'a text');
    assert.equal(messageOf(undefined), 'undefined');
  });

  it('contains no session, cluster time or signature of a server', () => {
    const said = (rest: string) =>
      new Error(
        `not authorized on admin to execute command { find: "system.users", lsid: { id: UUID("5f0c") }, ` +
          `$clusterTime: { clusterTime: Timestamp(17, 1), signature: { hash: BinData(0, 9F), keyId: 75 } }, ${rest}`,
      );
    assert.equal(
      messageOf(said('$db: "admin" }')),
      'not authorized on admin to execute command { find: "system.users", $db: "admin" }',
    );
    assert.doesNotMatch(messageOf(said('').message.slice(0, -20)), /UUID|Timestamp|BinData/, 'cut off by the server');
  });
});

test('an error of a server that no rule expects is shown with its code and its name', () => {
  const error = Object.assign(new Error('no such thing'), { code: 4711, codeName: 'NoSuchThing' });
  const { code, message } = knownError(error);
  assert.deepEqual(
    [code, message],
    ['INTERNAL_ERROR', 'An unexpected error occurred: no such thing (code 4711 NoSuchThing).'],
  );
  assert.match(knownError(new Error('broken')).message, /: broken\.$/);
});
