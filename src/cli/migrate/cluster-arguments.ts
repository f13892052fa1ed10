import type { Command } from 'commander';

/** The arguments of a command that takes two clusters. */
export type Words = readonly [source: string | undefined, destination: string | undefined];

/** Lets a command take two clusters, as `givenClusters` reads them. The help loads only this file. */
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
