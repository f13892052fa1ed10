import { routeOf } from '../../contract/index.ts';
import type { AdministrationCommand } from './command.ts';

/** Where the API's word is not that of the command line. */
const WORDS: Readonly<Record<string, string>> = {
  groups: 'projects',
  orgs: 'organizations',
  apiKeys: 'API keys',
  accessList: 'entries in the access list: it may be used from anywhere',
};

/** Messages for lists without entries, by the last word of the path: `no live migrations`. */
export function nothingListed({ operation }: Pick<AdministrationCommand, 'operation'>): string {
  const word = routeOf(operation).path.split('/').at(-1) ?? '';
  return `no ${WORDS[word] ?? word.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`;
}
