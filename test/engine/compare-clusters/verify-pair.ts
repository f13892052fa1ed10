import { ClusterVerification, type VerifyOptions } from '../../../src/engine/compare-clusters/cluster-verification.ts';
import { silentLogger } from '../../../src/platform/index.ts';
import type { ReplicaSetPair } from '../../support/replica-set.ts';

type Pair = Pick<ReplicaSetPair, 'source' | 'destination'>;

/** Compares a pair. Differences count after half a second, so that tests are quick. */
export function verificationOf(pair: Pair, options: Partial<VerifyOptions> = {}): ClusterVerification {
  const addresses = { source: { uri: pair.source.uri }, destination: { uri: pair.destination.uri } };
  return new ClusterVerification({ ...addresses, settleMs: 500, logger: silentLogger, ...options });
}

export async function verify(pair: Pair, options: Partial<VerifyOptions> = {}) {
  return await verificationOf(pair, options).run(new AbortController().signal);
}
