import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Faces, facesOf, type Snapshot } from './faces.ts';

const FOLDER = new URL('golden/', import.meta.url);
/** How deep fields have lines of their own. */
const DEEPEST = 3;
/** `LINKSPAN_WRITE_GOLDEN=1 npm test -- test/contract/golden.test.ts` accepts what is shown now. */
const isWriting = process.env.LINKSPAN_WRITE_GOLDEN === '1';

interface Golden extends Snapshot {
  readonly faces: Faces;
}

test('recorded progress is shown as before, by API, console, command line, /progress and metrics', async (t) => {
  for (const name of readdirSync(FOLDER).toSorted()) {
    await t.test(name, async () => {
      const file = new URL(name, FOLDER);
      const text = readFileSync(file, 'utf8');
      const { atMs, progress } = JSON.parse(text) as Golden;
      const shown = textOf({ atMs, progress, faces: await facesOf({ atMs, progress }) });
      if (isWriting) writeFileSync(file, shown);
      else assert.equal(shown, text);
    });
  }
});

function textOf({ atMs, progress, faces }: Golden): string {
  return `{\n "atMs": ${atMs},\n "progress": ${JSON.stringify(progress)},\n "faces": ${indented(faces, ' ')}\n}\n`;
}

/** JSON with the fields of the outer objects on lines of their own, so that a difference is one line. */
function indented(value: unknown, indent: string): string {
  if (value === null || typeof value !== 'object' || indent.length > DEEPEST) return JSON.stringify(value);
  const isList = Array.isArray(value);
  const items = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .map(([key, one]) => `${indent} ${isList ? '' : `${JSON.stringify(key)}: `}${indented(one, `${indent} `)}`);
  const [open, close] = isList ? '[]' : '{}';
  return items.length === 0 ? `${open}${close}` : `${open}\n${items.join(',\n')}\n${indent}${close}`;
}
