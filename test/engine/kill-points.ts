/**
 * Named points of the engine where `kill -9` must cost nothing but time, in the order in which a migration comes by. Each is reached again by the
 * run that follows, unless it says otherwise.
 */
export const UNTIL_CUTOVER = [
  'engine.fence.marked@20',
  'engine.fence.raised',
  'engine.write.update.migrations',
  'engine.prepare.destination-ready',
  'engine.write.update.collections',
  'engine.change.create',
  'engine.catalog.created',
  'engine.write.update.views',
  'engine.copy.before-first-read',
  'engine.write.update.partitions',
  'engine.copy.batch-acknowledged',
  'engine.write.insert.spool',
  'engine.copy.collection-copied',
  'engine.indexes.recorded',
  'engine.indexes.compared',
  'engine.change.createIndexes',
  'engine.copy.indexed',
  'engine.copy.drained',
  'engine.write.delete.spool',
  'engine.capture.batch-dispatched@3',
  'engine.apply.batch-taken',
  'engine.write.commit',
  'engine.apply.batch-acknowledged',
  'engine.catalog.stepped-aside',
  'engine.checkpoint.saved',
];

export const OF_CUTOVER = [
  'engine.cutover.about-to-block',
  'engine.cutover.source-blocked',
  'engine.cutover.drained',
  'engine.cutover.committed',
  'engine.change.collMod',
  'engine.cutover.unique-prepared',
  'engine.cutover.destination-open',
  'engine.change.collMod@5',
];

/** Those that other tests stop or kill it at, by test file. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'engine.prepare.position-fixed': 'kill.test.ts',
  'engine.copy.progress-saved': 'kill-again.test.ts',
  'engine.capture.loss-declared': 'lost-history.test.ts',
  'engine.capture.position-fixed-anew': 'lost-history.test.ts',
  'engine.verify.chunk-compared': 'lost-history.test.ts',
  'engine.verify.position-saved': 'lost-history.test.ts',
  'engine.accounts.announced': 'users-and-roles.test.ts',
  'engine.accounts.users-dropped': 'users-and-roles.test.ts',
  'engine.accounts.put': 'users-and-roles.test.ts',
  'engine.accounts.merged': 'users-and-roles.test.ts',
  'engine.accounts.made': 'users-and-roles.test.ts',
  'engine.cleanup.taken': 'kill-again.test.ts',
  'engine.cleanup.dropped': 'cleanup.test.ts',
  'engine.cleanup.unblocked': 'kill-again.test.ts',
};
