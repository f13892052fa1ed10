import type { Command } from 'commander';
import { redact } from '../../platform/index.ts';
import { closestWords } from './closest-words.ts';

/** The command whose action runs. A process runs one command. */
let running: Command | undefined;

/** Stores the running command, so that usage errors can name its help. */
export function noteRunning(command: Command): void {
  running = command;
}

/** The remedy of usage errors: the help of the running command. */
export function remedyOfUsage(): string {
  return `See '${runningWords()} --help'.`;
}

/** The running command as it is called: `linkspan project create`. */
export function runningWords(): string {
  return running === undefined ? 'linkspan' : wordsOf(running);
}

/**
 * Converts a usage error of commander to one line with a suggestion and the command's help. Removes credentials, because arguments may be
 * connection strings.
 * @param text  commander's message
 */
export function usageText(command: Command, text: string): string {
  const [said = '', suggested] = text
    .trim()
    .replace(/^error: /, '')
    .split(/\n\(Did you mean (.+)\?\)$/);
  // The value of an unknown flag may be a secret.
  const message = redact(said.replace(/^(unknown option '[^=']+)=.*'$/s, "$1'")).replace(/\.$/, '');
  const meant = suggested ?? closest(command, message);
  const question = meant === undefined ? '' : ` Did you mean ${meant}?`;
  return `${message}.${question} See '${wordsOf(command)} --help'. [USAGE]`;
}

function closest(command: Command, message: string): string | undefined {
  const [, kind, word = ''] = /^unknown (option|command) '(.+)'$/.exec(message) ?? [];
  if (kind === undefined) return undefined;
  const words = closestWords(word, kind === 'command' ? commandsOf(command) : flagsOf(command));
  return words.length > 1 ? `one of ${words.join(', ')}` : words[0];
}

function commandsOf(command: Command): string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => one.name());
}

function flagsOf(command: Command): string[] {
  const flags = command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => long ?? []);
  return command.parent === null ? flags : [...flags, ...flagsOf(command.parent)];
}

function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}
