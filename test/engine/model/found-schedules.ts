import type { Id, Namespace, Schedule, Step } from './operation.ts';

/** Schedules that once ended in a difference or a failure, as they were shortened, by what was wrong. */
export const foundSchedules: Readonly<Record<string, Schedule>> = {
  "an index is made between the building of a collection's indexes and the end of its copy": {
    before: [],
    padding: 0,
    writers: [
      [
        step('retype', 'one.a', 'two.a', 5, 'int', 80),
        step('addNumber', 'two.c', 'one.b', 8, 'int', 54),
        step('truncate', 'one.b', 'one.a', 9, 'string', 41),
        step('setElement', 'two.a', 'one.a', 0, 'long', 73),
        step('deleteMany', 'one.b', 'one.a', 4, 'double', 23),
        step('insert', 'one.a', 'two.a', 2, 'int', 80),
        step('createWildcard', 'one.a', 'one.b', 4, 'long', 16),
      ],
      [
        step('swapUnique', 'two.c', 'two.a', 6, 'document', 13),
        step('delete', 'one.a', 'two.a', 3, 'decimal', 64),
        step('rename', 'one.a', 'one.b', 8, 'double', 0),
        step('createUnique', 'one.b', 'one.a', 7, 'decimal', 5),
        step('rewriteAll', 'two.a', 'two.a', 9, 'long', 73),
        step('setDollar', 'one.b', 'two.c', 5, 'decimal', 49),
      ],
    ],
    pauses: [1],
    stops: [5, 38],
  },
  'a database loses its last view': {
    before: [],
    padding: 0,
    writers: [
      [
        step('touchAll', 'one.a', 'one.b', 6, 'decimal', 53),
        step('dropDatabase', 'two.a', 'one.a', 3, 'string', 87),
        step('view', 'two.a', 'one.b', 7, 'decimal', 32),
        step('delete', 'one.a', 'one.b', 6, 'int', 34),
        step('dropView', 'two.a', 'one.a', 6, 'document', 71),
      ],
    ],
    pauses: [2, 1, 6, 6, 1, 6],
    stops: [],
  },
  'a unique index is being built, and its building fails': {
    before: [],
    padding: 0,
    writers: [
      [step('insert', 'two.a', 'two.a', 8, 'int', 69), step('push', 'two.a', 'one.a', 5, 'long', 9)],
      [
        step('insertMany', 'two.a', 'one.b', 5, 'document', 61),
        step('createExpiring', 'one.b', 'one.b', 5, 'int', 26),
        step('createWithCollation', 'two.a', 'one.b', 3, 'string', 95),
        step('dropIndexes', 'one.b', 'one.b', 7, 'long', 22),
      ],
      [
        step('preImages', 'two.c', 'two.c', 2, 'double', 80),
        step('changeValidator', 'two.c', 'two.a', 5, 'decimal', 59),
        step('setDollar', 'two.a', 'two.a', 8, 'double', 15),
        step('createUnique', 'two.a', 'one.b', 9, 'int', 2),
        step('replace', 'two.a', 'two.c', 1, 'long', 39),
      ],
    ],
    pauses: [3, 4, 3, 2, 2, 3],
    stops: [],
  },
  'a collection is renamed onto another while both are being copied': {
    before: [],
    padding: 400_000,
    writers: [
      [
        step('insert', 'two.c', 'one.a', 0, 'decimal', 63),
        step('deleteMany', 'two.c', 'one.a', 4, 'double', 10),
        step('renameOnto', 'one.a', 'one.b', 5, 'long', 57),
        step('setElement', 'one.b', 'one.a', 6, 'string', 55),
        step('retype', 'one.b', 'one.b', 5, 'double', 52),
        step('swapUnique', 'one.a', 'two.a', 8, 'decimal', 64),
        step('delete', 'one.b', 'two.c', 0, 'document', 94),
        step('touchAll', 'two.c', 'one.a', 6, 'decimal', 53),
      ],
    ],
    pauses: [6, 2, 4, 6, 5, 0, 5, 5, 2, 5, 6],
    stops: [5, 25],
  },
};

function step(kind: Step['kind'], on: Namespace, to: Namespace, n: number, as: Id['as'], x: number): Step {
  return { kind, on, to, id: { n, as }, x };
}
