import { ConnectionStringRefused, neverDialled, readForeignConnectionString, UserError } from '../platform/index.ts';

/**
 * Checks a registered connection string of a destination. Runs before each use, because the stored string may be older than the rules.
 * @returns the string to connect with, written from the checked parts
 * @throws UserError INVALID_DESTINATION_CONNECTION_STRING, which repeats only an option's name of the string
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
