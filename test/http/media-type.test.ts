import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyVersion, negotiateVersion } from '../../src/http/index.ts';

const VERSIONS = ['2023-01-01', '2024-05-30'];
const atlas = (version: string) => `application/vnd.atlas.${version}+json`;
const code = (expected: string) => (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === expected;

test('the newest version that is not newer than the requested date answers', () => {
  const served = (date: string) => negotiateVersion(VERSIONS, atlas(date));
  assert.equal(served('2023-01-01'), '2023-01-01');
  assert.equal(served('2024-05-29'), '2023-01-01');
  assert.equal(served('2024-05-30'), '2024-05-30');
  assert.equal(served('2025-03-12'), '2024-05-30');
  assert.equal(negotiateVersion(VERSIONS, `text/html, ${atlas('2023-01-01')};q=0.9`), '2023-01-01');
});

test('the newest version answers a client that takes every type and names no version', () => {
  for (const accept of ['*/*', 'application/*', 'text/html, */*;q=0.8', 'text/html,*/*'])
    assert.equal(negotiateVersion(VERSIONS, accept), '2024-05-30', accept);
  assert.equal(negotiateVersion(VERSIONS, `*/*, ${atlas('2023-01-01')}`), '2023-01-01');
});

test('a request without a version, with an invalid date, or with a date before the first version is refused', () => {
  for (const accept of [undefined, 'image/*', 'application/json', atlas('preview'), atlas('2022-12-31')]) {
    assert.throws(() => negotiateVersion(VERSIONS, accept), code('NOT_ACCEPTABLE'));
  }
  for (const date of ['2023-1-1', '2023-13-01', '2023-02-30', 'x', '99999-01-01']) {
    assert.throws(() => negotiateVersion(VERSIONS, atlas(date)), code('INVALID_VERSION_DATE'));
  }
});

test('a body is plain JSON or JSON of a version', () => {
  assert.equal(bodyVersion(VERSIONS, 'application/json'), undefined);
  assert.equal(bodyVersion(VERSIONS, 'Application/JSON; charset=utf-8'), undefined);
  assert.equal(bodyVersion(VERSIONS, atlas('2024-08-05')), '2024-05-30');
  for (const type of [undefined, '', 'text/plain', 'application/x-www-form-urlencoded']) {
    assert.throws(() => bodyVersion(VERSIONS, type), code('UNSUPPORTED_MEDIA_TYPE'));
  }
});
