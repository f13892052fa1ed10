import type { DocumentKey } from '../bson/document-key.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { findRepeatedKey, refuseRepeatedKey } from '../mongodb/repeated-ids.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { ComparedPair } from './compared-pair.ts';
import type { ComparedSide } from './compared-side.ts';

/**
 * Refuses documents of a sharded side with one `_id` on two shards. Compared by `_id`, one of them would hide the other.
 * @param after  the key after which these documents were read
 * @throws RepeatedId
 * @throws NotNow, which is transient, when the read met a document twice that moved to another shard
 */
export async function refuseRepetitions(
  compared: ComparedSide,
  pair: ComparedPair,
  after: DocumentKey | undefined,
  documents: Iterable<Buffer>,
): Promise<void> {
  if (!mayRepeatIds(compared, pair)) return;
  // The second document of the key is not after it.
  if (after !== undefined) await refuse(compared, pair, after);
  const key = findRepeatedKey(documents);
  // rule: refuse-repetition-when-comparing
  if (key !== undefined) await refuseRepetition(compared, pair, key);
}

/** The same for a key that a read met twice. @throws RepeatedId, NotNow */
export async function refuseRepetition(compared: ComparedSide, pair: ComparedPair, key: DocumentKey): Promise<void> {
  if (!mayRepeatIds(compared, pair)) return;
  await refuse(compared, pair, key);
  throw new NotNow(`a document of ${pair.namespace} moves to another shard`);
}

/** Whether two shards may have one `_id`. A capped collection can't be sharded, nor be read at the time of a snapshot. */
function mayRepeatIds({ client, side }: ComparedSide, pair: ComparedPair): boolean {
  // rule: verify-sharded-capped
  return isSharded(client) && !pair[side].options.has('capped');
}

/** Asks at or after all that the side has shown, so both documents are found if the comparison has to know them. */
async function refuse(compared: ComparedSide, pair: ComparedPair, key: DocumentKey): Promise<void> {
  const place = { ...compared.readFrom(pair), hasCollation: pair[compared.side].options.has('collation') };
  await refuseRepeatedKey(compared.client, place, key, { from: compared.latest });
}
