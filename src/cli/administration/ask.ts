import { tell } from '../terminal/index.ts';
import { assertGiven } from './assert-given.ts';
import { ApiClient } from './client.ts';
import type { AdministrationCommand, Values } from './command.ts';
import { nothingListed } from './nothing-listed.ts';
import { readProfile } from './profile.ts';
import { tableOf } from './table.ts';

/** A page of a list, with the number of records on all pages. */
interface Page {
  readonly results?: readonly unknown[];
  readonly totalCount?: number;
}

/**
 * Sends the request of a command.
 * @param given  the command's flags and argument
 * @returns the answer as text to print; empty if the answer has no body
 * @throws UserError USAGE, and the errors of {@link readProfile} and {@link ApiClient}
 */
export async function ask(command: AdministrationCommand, given: Values): Promise<string> {
  const profile = readProfile(String(given.profile));
  const { orgId, projectId } = profile;
  const values: Values = { orgId, projectId, ...given };
  const { method, body, columns, more } = command;
  assertGiven(command, values);
  const api = new ApiClient(profile);
  const format = given.output === 'json' ? 'json' : 'text';
  if (command.before && format === 'text') {
    const { path, warnings } = command.before;
    const answer = await api.ask('GET', filledPath(path, values));
    for (const warning of warnings(answer)) tell('linkspan', `warning: ${warning}`, 'warning');
  }
  const send = () => api.ask(method, targetOf(command, values), body?.(values));
  const answer = given.watch && command.watch ? await command.watch(send, format) : await send();
  if (answer === undefined) return '';
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

function filledPath(path: string, values: Values): string {
  return path.replace(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(String(values[name])));
}

function targetOf({ path, flags = [] }: AdministrationCommand, values: Values): string {
  const filled = filledPath(path, values);
  const query = new URLSearchParams();
  for (const { name, query: parameter } of flags) {
    if (parameter && values[name] !== undefined) query.set(parameter, String(values[name]));
  }
  return query.size === 0 ? filled : `${filled}?${query}`;
}
