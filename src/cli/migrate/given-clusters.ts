import type { Command } from 'commander';
import { UserError } from '../../platform/index.ts';
import { checkUris } from '../../sync/index.ts';

/** Connection strings, as flags or a configuration file give them. */
interface Given {
  readonly cluster0?: string;
  readonly cluster1?: string;
}

/** The arguments of a command that takes two clusters. */
export type Words = readonly [source: string | undefined, destination: string | undefined];

/** Lets a command take two clusters, as {@link givenClusters} reads them. */
export function withClusters(command: Command): Command {
  return command
    .argument('[source]', 'The same as --cluster0')
    .argument('[destination]', 'The same as --cluster1')
    .option(
      '--cluster0 <uri>',
      'Connection string of the source (required, here, as the first argument or in --config, which is not visible in the process list)',
    )
    .option(
      '--cluster1 <uri>',
      'Connection string of the destination (required, here, as the second argument or in --config)',
    );
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
