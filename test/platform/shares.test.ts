import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Shares } from '../../src/platform/index.ts';

describe('shares', () => {
  it('gives a client up to its limit while little is taken, and names the limit that it would exceed', () => {
    const shares = new Shares({ total: 1_000, each: { address: 60 } });
    assert.equal(shares.take({ address: 'a' }, 61), 'address');
    assert.equal(shares.take({ address: 'a' }, 60), undefined);
    assert.equal(shares.take({ address: 'a' }, 1), 'address');
    assert.equal(shares.take({ address: 'b' }, 1), undefined);
    assert.equal(shares.taken, 61);
    assert.equal(shares.take({}, 940), 'total');
  });

  it('lets no client take more than it leaves free', () => {
    const shares = new Shares({ total: 100, each: {} });
    assert.equal(shares.take({ organization: 'greedy' }, 51), 'total');
    assert.equal(shares.take({ organization: 'greedy' }, 50), undefined);
    assert.equal(shares.take({ organization: 'second' }, 25), undefined);
    assert.equal(shares.take({ organization: 'greedy' }, 1), 'total');
    assert.equal(shares.take({ organization: 'third' }, 13), 'total');
    assert.equal(shares.take({ organization: 'third' }, 12), undefined);
    shares.release({ organization: 'greedy' }, 50);
    assert.equal(shares.take({ organization: 'third' }, 19), undefined, 'room that is free again is for all');
  });

  it('counts what was taken before, whatever the limits', () => {
    const shares = new Shares({ total: 100, each: { organization: 10 } });
    shares.hold({ organization: 'o' }, 80);
    assert.equal(shares.take({ organization: 'o' }, 1), 'organization');
    assert.equal(shares.take({ organization: 'p' }, 10), undefined);
  });

  it('counts every name of a client, and gives back what is released', () => {
    const shares = new Shares({ total: 1_000, each: { address: 60, organization: 80 } });
    const first = { address: 'a', organization: 'o' };
    assert.equal(shares.take(first, 60), undefined);
    assert.equal(shares.take({ address: 'b', organization: 'o' }, 20), undefined);
    assert.equal(shares.take({ address: 'c', organization: 'o' }, 1), 'organization');
    assert.equal(shares.take({ address: 'a', organization: 'p' }, 1), 'address');
    shares.release(first, 60);
    assert.equal(shares.take({ address: 'c', organization: 'o' }, 60), undefined);
    assert.equal(shares.taken, 80);
  });
});
