import type { OperationId } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import { tell } from '../terminal/index.ts';
import { assertGiven } from './assert-given.ts';
import { ApiClient } from './client.ts';
import type { AdministrationCommand, Look, Values } from './command.ts';
import { nothingListed } from './nothing-listed.ts';
import { readProfile } from './profile.ts';
import { RecordStream } from './record-stream.ts';
import { routeOf } from './route-of.ts';
import { tableOf } from './table.ts';

/** A page of a list, with the number of records on all pages. */
interface Page {
  readonly results?: readonly unknown[];
  readonly totalCount?: number;
}

/**
 * Sends the request of a command.
 * @param given  the command's flags and argument
 * @returns the answer as text to print; empty if it has no body, and the command no text for that
 * @throws UserError USAGE, and the errors of {@link readProfile} and {@link ApiClient}
 */
export async function ask(command: AdministrationCommand, given: Values): Promise<string> {
  const profile = readProfile(String(given.profile));
  const { orgId, projectId } = profile;
  const values: Values = { orgId, projectId, ...given };
  const { body, columns, more } = command;
  assertGiven(command, values);
  const api = new ApiClient(profile);
  const format = given.output === 'json' ? 'json' : 'text';
  const chosen = chosenOperation(command, values);
  const { method, path } = routeOf(command, chosen);
  const look: Look = (operation = command.record) => api.ask('GET', filled(routeOf(command, operation).path, values));
  if (command.before && chosen === undefined && format === 'text') {
    const { operation, warnings } = command.before;
    const answer = await look(operation);
    for (const warning of warnings(answer)) tell('linkspan', `warning: ${warning}`, 'warning');
  }
  const target = targetOf(command, path, values);
  const send = () => api.ask(method, target, body?.(values), headersOf(command, values));
  using stream = new RecordStream(api, target);
  const first = given.watch && command.watch ? await command.watch(() => stream.look(), format) : await send();
  const answer = command.after ? await command.after(look, values, first) : first;
  if (answer === undefined) return format === 'text' ? (command.done?.(values) ?? '') : '';
  const { results = [], totalCount = 0 } = answer as Page;
  if (results.length < totalCount) {
    tell('linkspan', `${results.length} of ${totalCount} are shown; see --page and --limit`);
  }
  const listed = (answer as Page).results ?? answer;
  if (format === 'text' && Array.isArray(listed) && listed.length === 0) tell('linkspan', nothingListed(command));
  if (format === 'json' && given.watch) return `${JSON.stringify({ type: 'result', ...answer })}\n`;
  if (format === 'json') return `${JSON.stringify(answer, null, 2)}\n`;
  return tableOf(answer, columns) + (more?.(answer) ?? '');
}

function filled(path: string, values: Values): string {
  return path.replace(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(String(values[name])));
}

/** Returns the operation that a flag chooses. @throws UserError USAGE for two of them */
function chosenOperation({ others = {} }: AdministrationCommand, values: Values): OperationId | undefined {
  const [first, second] = Object.keys(others).filter((name) => values[name]);
  if (second !== undefined) throw new UserError('USAGE', [`--${first} and --${second} exclude each other`]);
  return first === undefined ? undefined : others[first];
}

function enumerated(value: string): string {
  return value.replace(/(?<=[a-z])[A-Z]/g, '_$&').toUpperCase();
}

function targetOf({ flags = [] }: AdministrationCommand, path: string, values: Values): string {
  const target = filled(path, values);
  const query = new URLSearchParams();
  for (const { name, query: parameter, isEnumerated = false } of flags) {
    if (!parameter || values[name] === undefined) continue;
    for (const value of [values[name]].flat().map(String))
      query.append(parameter, isEnumerated ? enumerated(value) : value);
  }
  return query.size === 0 ? target : `${target}?${query}`;
}

function headersOf({ flags = [] }: AdministrationCommand, values: Values): Record<string, string> {
  const given = flags.flatMap(({ name, header }) =>
    header && values[name] !== undefined ? [[header, values[name]]] : [],
  );
  return Object.fromEntries(given) as Record<string, string>;
}
