import { UserError } from '../../platform/index.ts';
import { checkUris } from '../../sync/index.ts';
import type { Words } from './cluster-arguments.ts';

/** Connection strings, as flags or a configuration file give them. */
interface Given {
  readonly cluster0?: string;
  readonly cluster1?: string;
}

/**
 * Returns the connection strings of a command that takes them as arguments, as flags or in a file.
 * @throws UserError USAGE if one is missing, or given twice; those of a connection string that can't be used
 */
export function givenClusters(
  [source, destination]: Words,
  flags: Given,
  file: Given,
): { readonly cluster0: string; readonly cluster1: string } {
  const uris = {
    cluster0: oneOf(source, flags.cluster0, 'The source') ?? file.cluster0 ?? '',
    cluster1: oneOf(destination, flags.cluster1, 'The destination') ?? file.cluster1 ?? '',
  };
  if (!uris.cluster0 || !uris.cluster1)
    throw new UserError('USAGE', ['A source and a destination are needed: --cluster0 and --cluster1']);
  checkUris(uris);
  return uris;
}

/** @throws UserError USAGE if argument and flag differ */
function oneOf(argument: string | undefined, flag: string | undefined, what: string): string | undefined {
  if (argument !== undefined && flag !== undefined && argument !== flag) {
    throw new UserError('USAGE', [`${what} is given twice, as an argument and as a flag`]);
  }
  return argument ?? flag;
}
