import { createHash } from 'node:crypto';
import type { ListedMismatch } from '../../contract/index.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import type { MismatchRecord } from '../records/verification-records.ts';
import { mismatchProgress } from './verification-progress.ts';

/** The fields of a run that its mismatches are read from. */
export interface MismatchesView {
  readonly follower:
    | { readonly verification: { readonly mismatches: { readonly all: readonly MismatchRecord[] | undefined } } }
    | undefined;
}

const ID_CHARACTERS = 32;

/**
 * Returns every document that differed although no change explains it, at most 10,000; undefined until their records are
 * loaded.
 */
export function listedMismatches({ follower }: MismatchesView): readonly ListedMismatch[] | undefined {
  return follower?.verification.mismatches.all?.map((record) => ({ id: idOf(record), ...mismatchProgress(record) }));
}

function idOf({ _id: { u, k } }: MismatchRecord): string {
  const digest = createHash('sha256').update(u.buffer).update(bufferOf(k)).digest('hex');
  return digest.slice(0, ID_CHARACTERS);
}
