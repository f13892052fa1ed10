import { testAccountConformance } from './account-conformance.ts';
import { testAuditConformance } from './audit-conformance.ts';
import { testStoreConformance } from './conformance.ts';
import { testHookConformance } from './hook-conformance.ts';
import { testListConformance } from './list-conformance.ts';
import { type Kept, openMemoryStore } from './memory-store.ts';
import { testSampleConformance } from './sample-conformance.ts';

const create = async () => {
  const kept: Kept = { data: new Map() };
  return { open: async () => openMemoryStore(kept), [Symbol.asyncDispose]: async () => undefined };
};
testStoreConformance('memory', create);
testAccountConformance('memory', create);
testAuditConformance('memory', create);
testHookConformance('memory', create);
testSampleConformance('memory', create);
testListConformance('memory', create);
