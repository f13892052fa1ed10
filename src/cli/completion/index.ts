import { Argument, Command } from 'commander';
import { placesOf } from './command-tree.ts';
import { fishScript } from './fish.ts';
import { bashScript, zshScript } from './posix-shells.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/**
 * `linkspan completion`: prints a completion script for a shell.
 * @param program  makes the whole program; the script lists its commands and flags
 */
export function completionCommand(program: () => Promise<Command>): Command {
  return new Command('completion')
    .description(
      'Print a script that completes commands and flags in a shell: source <(linkspan completion bash), ' +
        'source <(linkspan completion zsh), or linkspan completion fish | source.',
    )
    .addArgument(new Argument('<shell>').choices(Object.keys(SCRIPTS)))
    .action(async (shell: keyof typeof SCRIPTS) => {
      process.stdout.write(SCRIPTS[shell](placesOf(await program())));
    });
}
