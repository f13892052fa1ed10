import { ConnectionStringRefused, neverDialled, readForeignConnectionString, UserError } from '../platform/index.ts';

/**
 * Reads a destination's connection string as somebody registered it. The same is done each time before it is used: what is stored may be
 * older than the rules.
 * @returns the string to connect with, written anew from what was checked
 * @throws UserError INVALID_DESTINATION_CONNECTION_STRING, which repeats no part of the string but an option's name
 */
export function checkConnectionString(given: string): string {
  const { hosts, text } = read(given);
  for (const host of hosts) {
    const never = neverDialled(host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'));
    if (never !== undefined) throw invalid(`a host in it is ${never}`);
  }
  return text;
}

function read(given: string): ReturnType<typeof readForeignConnectionString> {
  try {
    return readForeignConnectionString(given);
  } catch (error) {
    if (!(error instanceof ConnectionStringRefused)) throw error;
    const { part } = error;
    if (part.kind === 'form') throw invalid(part.reason);
    if (part.kind === 'host') throw invalid('a host in it is not a name or address with an optional port');
    throw invalid(`the option ${part.name} is not allowed, or not with that value`);
  }
}

function invalid(what: string): UserError {
  return new UserError('INVALID_DESTINATION_CONNECTION_STRING', [what]);
}
