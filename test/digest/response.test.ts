import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DigestAlgorithm, digestHash, digestResponse } from '../../src/digest/index.ts';

test("the responses of RFC 7616's example are computed for MD5 and SHA-256", () => {
  const parts = {
    method: 'GET',
    uri: '/dir/index.html',
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    nc: '00000001',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  };
  const responseFor = (algorithm: DigestAlgorithm) => {
    const ha1 = digestHash(algorithm, 'Mufasa:http-auth@example.org:Circle of Life');
    return digestResponse({ ...parts, algorithm, ha1 });
  };
  assert.equal(responseFor('MD5'), '8ca523f5e9506fed4657c9700eebdbec');
  assert.equal(responseFor('SHA-256'), '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1');
});
