import type { ReplicaSet } from '../support/replica-set.ts';

/** Users may set these options, too. They detect a silent server after 1.5 s instead of 15 s, and a lost one after 1 s instead of 10 s. */
const SHORT = 'connectTimeoutMS=1000&heartbeatFrequencyMS=500&serverSelectionTimeoutMS=1000';

/** The address of a set for an engine that must quickly detect that the set does not answer. */
export function soonGone({ uri }: Pick<ReplicaSet, 'uri'>): { readonly uri: string } {
  return { uri: `${uri}&${SHORT}` };
}
