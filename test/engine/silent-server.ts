import type { ReplicaSet } from '../support/replica-set.ts';

/** What users may say, too: with it a silent server is found out after 1.5 s instead of 15, and one that is gone after 1 instead of 10. */
const SHORT = 'connectTimeoutMS=1000&heartbeatFrequencyMS=500&serverSelectionTimeoutMS=1000';

/** A set as an engine is to know it that has not much time to find out that nobody answers. */
export function soonGone({ uri }: Pick<ReplicaSet, 'uri'>): { readonly uri: string } {
  return { uri: `${uri}&${SHORT}` };
}
