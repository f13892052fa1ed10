import { canReadBlockState } from '../../cutover/block-notes.ts';
import { bypassingUsers } from '../../cutover/bypassing-users.ts';
import { canWriteThroughBlock, writesAreBlocked } from '../../mongodb/write-block.ts';
import { Selection } from '../../scope/selection.ts';
import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';
import { shownVersion } from './versions.ts';

/** Whether other writers are blocked: on the source at the cutover, on the destination all the time. */
export async function checkWritersKeptAway(look: Look): Promise<Found[]> {
  const { options, features, destination } = look;
  const onSource = features.blocksWrites ? [] : [found('SOURCE_NOT_BLOCKED', [shownVersion(look.from)])];
  if (options.once) return onSource;
  const inPart = features.blocksWrites && !blocksSource(look) ? [found('PART_NOT_BLOCKED')] : [];
  if (options.keepDestination) return [...onSource, ...inPart, found('DESTINATION_KEPT')];
  const isProtected = await canWriteThroughBlock(destination);
  return [...onSource, ...inPart, ...(isProtected ? [] : [found('DESTINATION_UNPROTECTED')])];
}

/**
 * Finds users who can write to a blocked source. Their writes would be lost, or keep the cutover from ending
 * (docs/reference/mongodb-behaviour.md#fact-8-3).
 */
export async function checkBypassingUsers(look: Look): Promise<Found[]> {
  if (!blocksSource(look) || look.from.privileges === undefined) return [];
  const users = await bypassingUsers(look.source);
  return users === undefined ? [] : [found('USERS_BYPASS_BLOCK', [users])];
}

/** Whether migrations from the same source can distinguish their own block from another's. */
export async function checkBlockOwner(look: Look): Promise<Found[]> {
  // Another finding tells this about a sharded source.
  if (look.from.sharded || !blocksSource(look) || (await canReadBlockState(look.source))) return [];
  return [found('BLOCK_OWNER_UNSEEN')];
}

/** Whether users' writes are blocked already. */
export async function checkBlocked({ source, destination, isNew }: Look): Promise<Found[]> {
  if (!(await isNew())) return [];
  const [from, to] = await Promise.all([writesAreBlocked(source), writesAreBlocked(destination)]);
  return [
    ...(from ? [found('WRITES_BLOCKED', ['source'])] : []),
    ...(to ? [found('WRITES_BLOCKED', ['destination'])] : []),
  ];
}

/** Whether the cutover would block the source. */
function blocksSource({ options, features }: Look): boolean {
  return (
    features.blocksWrites && !options.once && new Selection(options.filters).isWhole && !options.documentFilters?.length
  );
}
