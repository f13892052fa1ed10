import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON } from 'mongodb';
import { elementNamed } from '../../../src/engine/bson/elements.ts';
import { array, document, element } from '../../../src/engine/bson/raw-document.ts';
import { RawValue } from '../../../src/engine/bson/raw-value.ts';

test('a raw value stands in a command with its own type and bytes, wherever it stands', () => {
  const inner = document(element(0x02, '2', Buffer.from([2, 0, 0, 0, 0x62, 0])), element(0x06, '1', Buffer.alloc(0)));
  const values = [new RawValue(0x03, inner), new RawValue(0xff, Buffer.alloc(0)), new RawValue(0x11, Buffer.alloc(8))];
  const bytes = Buffer.from(
    BSON.serialize({ a: values[0], list: values, 'a name with \u00e9': values[2], $literal: values[1] }),
  );
  const at = (name: string) => elementNamed(bytes, name) ?? assert.fail(`no ${name}`);
  const bytesOf = (name: string) => bytes.subarray(at(name).valueStart, at(name).valueEnd);
  assert.equal(at('a').type, 0x03);
  assert.deepEqual(bytesOf('a'), inner);
  assert.equal(at('list').type, 0x04);
  assert.deepEqual(bytesOf('list'), array(values));
  assert.equal(at('$literal').type, 0xff);
  assert.deepEqual(BSON.deserialize(bytes).list[2].toString(), '0');
});
