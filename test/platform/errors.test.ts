import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ErrorCode, errorCatalogue, messageOf, UserError } from '../../src/platform/index.ts';

const catalogue = Object.entries(errorCatalogue);

describe('the error catalogue', () => {
  it('says for every error what was wrong and what to do', () => {
    for (const [code, { detail, remedy }] of catalogue) {
      assert.match(detail, /\S/, code);
      assert.match(remedy, /\w.*\.$/, `the remedy of ${code} is a sentence`);
    }
  });

  it('gives every error an HTTP status of an error, and every warning the status of success', () => {
    const warnings = catalogue.filter(([, { status }]) => status === 200).map(([code]) => code);
    assert.deepEqual(warnings, [
      'DESTINATION_KEPT',
      'DESTINATION_UNPROTECTED',
      'INDEX_MODERNISED',
      'ACCOUNTS_KEPT',
      'CONNECTION_NOT_ENCRYPTED',
      'INDEXES_AT_LIMIT',
      'DOCUMENTS_NEAR_LIMIT',
      'CAPPED_IN_PAUSE',
      'DISK_TIGHT',
      'OPLOG_SHORT',
      'HIDDEN_WRITES_UNSEEN',
      'PART_NOT_BLOCKED',
      'USERS_BYPASS_BLOCK',
      'WRITES_BLOCKED',
      'BLOCK_OWNER_UNSEEN',
      'HOST_BUSY',
      'CLOCKS_DIFFER',
      'CHECK_INCOMPLETE',
      'FINDINGS_LEFT_OUT',
      'PATTERN_MATCHES_NOTHING',
      'SOURCE_WRITTEN_AFTER_COMMIT',
      'SOURCE_NOT_BLOCKED',
    ]);
    for (const [code, { status }] of catalogue) assert.ok(status === 200 || (status >= 400 && status < 600), code);
  });

  it('names every error in the manner of Atlas', () => {
    for (const [code, { atlasCode = code }] of catalogue) assert.match(atlasCode, /^[A-Z][A-Z0-9_]+$/, code);
  });

  it('describes no two errors alike', () => {
    const details = catalogue.map(([, { detail }]) => detail);
    const twice = details.filter((detail, index) => detail !== '%.' && details.indexOf(detail) !== index);
    assert.deepEqual(twice, []);
  });
});

describe('an error for the user', () => {
  it('has its parameters in their places, in order', () => {
    const { message, parameters } = new UserError('INVALID_CONNECTION_STRING', ['source', 'no host']);
    assert.equal(message, 'The connection string of the source is not valid: no host.');
    assert.deepEqual(parameters, ['source', 'no host']);
  });

  it('takes no % of a parameter for a place of its own', () => {
    const { message } = new UserError('INVALID_CONNECTION_STRING', ['source', '100 % wrong']);
    assert.equal(message, 'The connection string of the source is not valid: 100 % wrong.');
  });

  it('has a message without holes when all its parameters are given', () => {
    for (const [code, { detail }] of catalogue) {
      const given = Array.from(detail.matchAll(/%/g), (_, index) => `<${index}>`);
      const { message } = new UserError(code as ErrorCode, given);
      assert.doesNotMatch(message, /%|\?\?/, code);
      for (const parameter of given) assert.ok(message.includes(parameter), code);
    }
  });

  it('keeps its cause, and says what can be done', () => {
    const cause = new Error('connection refused');
    const error = new UserError('SOURCE_UNREACHABLE', ['db1'], { cause });
    assert.equal(error.cause, cause);
    assert.equal(error.remedy, errorCatalogue.SOURCE_UNREACHABLE.remedy);
    assert.equal(error.definition.status, 400);
  });
});

describe('the message of whatever was thrown', () => {
  it('is one line', () => {
    assert.equal(messageOf(new Error('first\n  second ')), 'first second');
    assert.equal(messageOf('a text'), 'a text');
    assert.equal(messageOf(undefined), 'undefined');
  });
});
