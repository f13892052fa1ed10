import { MAJORITY } from './catalog.ts';
import { assemble, elementsOf, encodeElements } from './elements.ts';

const WRITES = ['insert', 'update', 'delete', 'findAndModify', 'findandmodify', 'commitTransaction'];

/**
 * Returns a command with the write concern that a `mongos` gives a write without one. Shards don't: they wait for one member only, so
 * that an election could undo what a client was told is written.
 */
export function withWriteConcern(body: Buffer): Buffer {
  const elements = elementsOf(body);
  const names = elements.map(({ name }) => name);
  const isStatement = names.includes('autocommit') && names[0] !== 'commitTransaction';
  if (!WRITES.includes(names[0] ?? '') || isStatement || names.includes('writeConcern')) return body;
  return assemble([...elements.map(({ bytes }) => bytes), ...encodeElements({ writeConcern: MAJORITY })]);
}
