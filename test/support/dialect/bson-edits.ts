import type { Document } from 'mongodb';
import { assemble, decode, elementsOf, encodeElements, renamed } from '../router/elements.ts';

/** Takes what servers store and JavaScript doesn't. */
const ANYTHING = { bsonRegExp: true, validation: { utf8: false } } as const;

/** Returns the value of a field, decoded; undefined when the document has no such field. */
export function fieldIn(document: Buffer, name: string): unknown {
  const element = elementsOf(document).find((one) => one.name === name);
  return element === undefined ? undefined : decode(assemble([element.bytes]), ANYTHING)[name];
}

/** Returns the document with this value in the place of the field's, or at its end. */
export function withField(document: Buffer, name: string, value: unknown): Buffer {
  const [encoded = Buffer.alloc(0)] = encodeElements({ [name]: value });
  const elements = elementsOf(document);
  const has = elements.some((element) => element.name === name);
  const kept = elements.map((element) => (element.name === name ? encoded : element.bytes));
  return assemble(has ? kept : [...kept, encoded]);
}

export function without(document: Buffer, name: string): Buffer {
  const kept = elementsOf(document).filter((element) => element.name !== name);
  return assemble(kept.map(({ bytes }) => bytes));
}

/** Changes a field that holds a document or an array. Returns the same bytes when the change does, or without the field. */
export function changeIn(document: Buffer, name: string, change: (value: Buffer) => Buffer): Buffer {
  const elements = elementsOf(document);
  const element = elements.find((one) => one.name === name);
  if (element === undefined) return document;
  const value = change(element.value);
  if (value === element.value) return document;
  const changed = Buffer.concat([element.bytes.subarray(0, -element.value.length), value]);
  return assemble(elements.map((one) => (one === element ? changed : one.bytes)));
}

/** Changes the documents of an array, and leaves out those without any. Other values stay. */
export function changeEach(array: Buffer, change: (document: Buffer) => readonly Buffer[]): Buffer {
  const elements = elementsOf(array);
  const changed = elements.map(({ value }) => change(value));
  if (changed.every((one, at) => one.length === 1 && one[0] === elements[at]?.value)) return array;
  const [bytes = Buffer.of()] = elements.map((element) => element.bytes);
  return assemble(changed.flat().map((value, at) => renamed({ name: '', bytes, value }, String(at))));
}

/** Changes the documents of a reply's batch, as {@link changeEach}. */
export function changeBatch(reply: Buffer, change: (document: Buffer) => readonly Buffer[]): Buffer {
  return changeIn(reply, 'cursor', (cursor) =>
    ['firstBatch', 'nextBatch'].reduce(
      (part, name) => changeIn(part, name, (batch) => changeEach(batch, change)),
      cursor,
    ),
  );
}

/** Returns the documents of a reply's batch. */
export function batchOf(reply: Buffer): Buffer[] {
  const documents: Buffer[] = [];
  changeBatch(reply, (document) => {
    documents.push(document);
    return [document];
  });
  return documents;
}

/** Returns the last token of a stream's reply, and the identifier of its cursor. */
export function cursorOf(reply: Buffer): Document {
  const { id, postBatchResumeToken } = (fieldIn(without(reply, '$clusterTime'), 'cursor') ?? {}) as Document;
  return { id, postBatchResumeToken };
}
