import { changeBatch, fieldIn, withField } from '../bson-edits.ts';
import { atLevel, type Fact } from '../fact.ts';

/** Servers of 9.0.0 to 9.0.2 list it. */
export const SIMPLE_COLLATION: Fact = atLevel('9.0', {
  name: 'the simple collation of each index without one is listed',
  source:
    'SERVER-89953, reverted by SERVER-136162; known issues of https://www.mongodb.com/docs/manual/release-notes/9.0/',
  recordedFrom: null,
  commands: ['listIndexes'],
  reply: (reply) => changeBatch(reply, (spec) => [withCollation(spec)]),
});

/** A build under way has its specification in a field of its own. */
function withCollation(listed: Buffer): Buffer {
  const isBuild = fieldIn(listed, 'spec') !== undefined;
  return isBuild || fieldIn(listed, 'collation') !== undefined
    ? listed
    : withField(listed, 'collation', { locale: 'simple' });
}
