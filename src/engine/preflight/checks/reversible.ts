import type { Side } from '../../mongodb/side.ts';
import { canWriteThroughBlock } from '../../mongodb/write-block.ts';
import { Selection } from '../../scope/selection.ts';
import { type Found, found } from '../finding.ts';
import type { ClusterDescription } from '../inspect-cluster.ts';
import type { Look } from '../look.ts';
import { describeMissing, grantCommand, missingPrivileges } from '../missing-privileges.ts';
import { duration, LEAST_SECONDS, reverseWindowSeconds } from './oplog.ts';
import { isOlder, shownVersion } from './versions.ts';

/** Finds everything that would keep a reversible migration from returning to its source after the cutover. */
export async function checkReversible(look: Look): Promise<Found[]> {
  if (!look.options.reversible || (look.options.reversals ?? 0) > 0) return [];
  const reasons = [...whyNotByOptions(look), ...whyNotByVersions(look)];
  if (reasons.length > 0) return reasons.map((reason) => found('REVERSE_IMPOSSIBLE', [reason]));
  const usersAndRoles = look.options.usersAndRoles ?? false;
  const lacking = [
    ...lackingFor('destination', look.from, { side: 'source', usersAndRoles }),
    ...lackingFor('source', look.to, { side: 'destination', usersAndRoles }),
  ];
  if (lacking.length > 0) return lacking;
  return (await whyNotByServers(look)).map((reason) => found('REVERSE_IMPOSSIBLE', [reason]));
}

function whyNotByOptions({ options }: Look): string[] {
  const { filters, documentFilters = [], namespaceRemap = [], keepDestination, once } = options;
  return [
    ...(once ? ['a migration with --once has no cutover'] : []),
    ...(keepDestination ? ['the destination keeps other data'] : []),
    ...(new Selection(filters).isWhole && documentFilters.length === 0
      ? []
      : ['only a part of the source is migrated']),
    ...(namespaceRemap.length === 0 ? [] : ['namespaces have other names on the destination']),
  ];
}

function whyNotByVersions({ from, to, features }: Look): string[] {
  return [
    ...(from.sharded ? ["the source is a sharded cluster, which can't be a destination"] : []),
    ...(features.blocksWrites ? [] : [`the source is ${shownVersion(from)}, and can't block its users' writes`]),
    // A failback has the same rule for its destination.
    // rule: reversible-to-newer
    ...(isOlder(from, to)
      ? [`the source is ${shownVersion(from)}, older than the destination with ${shownVersion(to)}`]
      : []),
  ];
}

/** Returns a finding for the privileges that a side's user lacks in the other role. */
function lackingFor(
  role: Side,
  { privileges }: ClusterDescription,
  { side, usersAndRoles }: { readonly side: Side; readonly usersAndRoles: boolean },
): Found[] {
  if (privileges === undefined) return [];
  const missing = missingPrivileges(privileges, role, { blocks: true, usersAndRoles });
  if (missing.length === 0) return [];
  const { login } = privileges;
  const command = grantCommand(login, role, missing);
  return [found('MISSING_PRIVILEGE', [`${login.db}.${login.user}`, side, describeMissing(missing), side, command])];
}

async function whyNotByServers(look: Look): Promise<string[]> {
  const { source, destination } = look;
  const [onSource, onDestination, seconds] = await Promise.all([
    canWriteThroughBlock(source),
    canWriteThroughBlock(destination),
    reverseWindowSeconds(look),
  ]);
  const unblockable = (side: Side) => `the migration's user can't write through a write block of the ${side}`;
  return [
    ...(onSource ? [] : [unblockable('source')]),
    ...(onDestination ? [] : [unblockable('destination')]),
    ...(seconds < LEAST_SECONDS
      ? [`the destination's oplog would hold only about ${duration(seconds)} of the source's changes`]
      : []),
  ];
}
