import { Command } from 'commander';
import { ownFile, programBeside } from '../../platform/index.ts';

/** The demonstration is a program of its own: as TypeScript in a checkout, else compiled beside this one. */
const PROGRAM = import.meta.url.endsWith('.ts') ? ownFile('demo/run.ts') : programBeside(import.meta.url, 'demo');

interface Demonstration {
  readonly demonstrate: (options: { readonly keep: boolean }) => Promise<number>;
}

/** `linkspan demo`: a whole migration between new replica sets on this machine. */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'Show a whole migration: start two replica sets, a control plane and an agent on this machine, and migrate between them under a live load, there, back and there again. ' +
        'At the end both sides are compared byte by byte, and everything is removed. It uses the mongod of LINKSPAN_MONGOD or PATH, or downloads one.',
    )
    .option('--keep', 'Leave everything running at the end, until Ctrl-C, to look around in the console', false)
    .action(async (options: { readonly keep: boolean }) => {
      const { demonstrate }: Demonstration = await import(PROGRAM);
      process.exitCode = await demonstrate(options);
    });
}
