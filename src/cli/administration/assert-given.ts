import { UserError } from '../../platform/index.ts';
import { runningWords } from '../command-line/usage.ts';
import type { AdministrationCommand, Values } from './command.ts';
import { VARIABLES } from './profile.ts';
import { routeOf } from './route-of.ts';

/** Refuses a command that lacks values, and names all of them. @throws UserError USAGE */
export function assertGiven(command: AdministrationCommand, values: Values): void {
  const { flags = [], argument } = command;
  const inPath = [...routeOf(command).path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const names = new Set([...flags.filter(({ needed }) => needed).map(({ name }) => name), ...inPath]);
  const missing = [...names].filter((name) => values[name] === undefined || values[name] === '');
  if (missing.length === 0) return;
  const plain = missing.filter((name) => name !== argument && !isPlace(name)).map((name) => `--${name}`);
  const said = [
    ...(missing.includes(argument ?? '') ? [argumentText(argument ?? '')] : []),
    ...(plain.length === 0 ? [] : [`${plain.join(', ')} ${plain.length === 1 ? 'is' : 'are'} needed`]),
    ...missing
      .filter(isPlace)
      .flatMap((name) => (name === argument ? [] : [`--${name} is needed${orElsewhere(name)}`])),
  ];
  throw new UserError('USAGE', [said.join('; ')]);
}

/** Whether a profile and the environment may have it, too. */
function isPlace(name: string): name is 'orgId' | 'projectId' {
  return name === 'orgId' || name === 'projectId';
}

function argumentText(name: string): string {
  const shown = name.replace(/[A-Z]/g, '_$&').toUpperCase();
  return `an argument is needed, as in ${runningWords()} ${shown}${isPlace(name) ? orElsewhere(name) : ''}`;
}

function orElsewhere(name: 'orgId' | 'projectId'): string {
  return `, or ${VARIABLES[name]}, or ${name} in the profile`;
}
