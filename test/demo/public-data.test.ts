import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Double, Int32, Long } from 'mongodb';
import { parseTable } from '../../demo/parse-table.ts';
import { publicData } from '../../demo/public-data.ts';

describe("the demonstration's public data", () => {
  const datasets = new Map(Array.from(publicData.datasets(), ({ collection, documents }) => [collection, documents]));

  it('are some 300,000 documents in many collections', () => {
    const documents = [...datasets.values()].reduce((sum, each) => sum + each.length, 0);
    assert.ok(datasets.size >= 60, `${datasets.size} collections`);
    assert.ok(documents >= 300_000, `${documents} documents`);
  });

  it('have the types that their description says', () => {
    const [movie] = datasets.get('movies') ?? [];
    assert.deepEqual(movie?.['Release Date'], new Date('1998-06-12T00:00:00Z'));
    assert.deepEqual(datasets.get('flights_20k')?.[0]?.date, new Date('2001-01-01T00:47:00Z'));
    assert.deepEqual(datasets.get('seattle_weather_hourly_normals')?.[0]?.date, new Date('2010-01-01T01:00:00Z'));
    assert.ok(datasets.get('flights_200k_json')?.[0]?.time instanceof Double);
    assert.ok(datasets.get('flights_200k_json')?.[0]?.delay instanceof Int32);
    assert.ok(datasets.get('sp500_2000')?.some(({ volume }) => volume instanceof Long));
    assert.equal(datasets.get('airports')?.[0]?.location.type, 'Point');
  });
});

describe('the reader of tables', () => {
  it('reads quoted cells, empty cells and every kind of line end', () => {
    const text = 'a,b,c\r\n1,"x, ""y""\nz",\n,2,3';
    assert.deepEqual(parseTable(text, ','), [
      { a: '1', b: 'x, "y"\nz', c: '' },
      { a: '', b: '2', c: '3' },
    ]);
    assert.deepEqual(parseTable('a\tb\n1,5\t2\n', '\t'), [{ a: '1,5', b: '2' }]);
  });
});
