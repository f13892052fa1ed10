import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Shares } from '../../src/platform/index.ts';

describe('shares', () => {
  it('gives a client up to its limit while little is taken, and names the limit that it would exceed', () => {
    const shares = new Shares({ total: 100, each: { address: 60 } });
    assert.equal(shares.take({ address: 'a' }, 50), undefined);
    assert.equal(shares.take({ address: 'b' }, 51), 'total');
    assert.equal(shares.taken, 50);
    const alone = new Shares({ total: 1_000, each: { address: 60 } });
    assert.equal(alone.take({ address: 'a' }, 61), 'address');
    assert.equal(alone.take({ address: 'a' }, 60), undefined);
    assert.equal(alone.take({ address: 'a' }, 1), 'address');
    assert.equal(alone.take({ address: 'b' }, 1), undefined);
  });

  it('leaves an even part to each client once more than half is taken', () => {
    const shares = new Shares({ total: 100, each: {} });
    assert.equal(shares.take({ organization: 'greedy' }, 50), undefined);
    assert.equal(shares.take({ organization: 'modest' }, 10), undefined);
    assert.equal(shares.take({ organization: 'greedy' }, 1), 'organization', 'it has its half');
    assert.equal(shares.take({ organization: 'modest' }, 39), undefined);
    assert.equal(shares.take({ organization: 'third' }, 1), undefined);
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
