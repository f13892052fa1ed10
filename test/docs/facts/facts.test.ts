import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FACES, type Face, pathsOf } from './faces.ts';
import { FACTS } from './facts.ts';

const PATHS = new Map((Object.keys(FACES) as Face[]).map((face) => [face, pathsOf(face)]));
const labelOf = (path: string) => /\{(\w+)\}$/.exec(path)?.[1];
/** A path without the marks of lists. */
const plain = (path: string) => path.replaceAll('[]', '');

/** Each place of a fact, with its path there. */
const places = FACTS.flatMap((fact) =>
  Object.entries(fact.on).map(([face, path]) => ({
    fact,
    face: face as Face,
    path,
    reason: fact.except?.[face as Face],
  })),
);

test('each place that docs/reference/facts.md lists is a field, a metric or a label', () => {
  const missing = places.filter(({ face, path }) => !PATHS.get(face)?.has(path));
  assert.deepEqual(
    missing.map(({ face, path }) => `${face}: ${path}`),
    [],
  );
});

test('a fact has one name on every face, but for exceptions with a reason, each of which is needed', () => {
  for (const { fact, face, path, reason } of places) {
    const label = labelOf(path);
    const name = face === 'metric' ? label : plain(path);
    // A metric without a label for the fact has a name by Prometheus' rules.
    const isSame = name === undefined || name === fact.name || name.endsWith(`.${fact.name}`);
    assert.equal(isSame, reason === undefined, `${fact.what} on ${face}: ${path}`);
  }
});

test('no face has another name for a fact', () => {
  for (const { what, on, never = [] } of FACTS) {
    for (const [face, paths] of PATHS) {
      if (face === 'metric') continue;
      const found = [...paths].filter(
        (path) => never.includes(plain(path).split('.').at(-1) ?? '') && on[face] !== path,
      );
      // mongosync's own fields stand outside of `linkspan`.
      const own = face === 'progress' ? found.filter((path) => path.startsWith('linkspan.')) : found;
      assert.deepEqual(own, [], `${what}, on ${face}`);
    }
  }
});
