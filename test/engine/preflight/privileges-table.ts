import { readFileSync } from 'node:fs';

/** A row of the table of privileges in docs/secure/privileges.md. */
export interface NeededPrivilege {
  readonly who: string;
  readonly action: string;
  readonly on: string;
  /** Built-in roles with this privilege, out of those that the page names. */
  readonly roles: readonly string[];
}

const PAGE = new URL('../../../docs/secure/privileges.md', import.meta.url);

export function privilegesTable(): NeededPrivilege[] {
  const [, section = ''] = readFileSync(PAGE, 'utf8').split('\n## Privileges\n');
  const lines = section.slice(0, section.indexOf('\n## ')).split('\n');
  return lines
    .filter((line) => /^\| (?!who )/.test(line))
    .map((line) => {
      const [who = '', action = '', on = '', , roles = ''] = line.slice(2, -2).replaceAll('`', '').split(' | ');
      return { who, action, on, roles: roles.split(', ') };
    });
}

/** The resource as the server names it. */
export function resourceOf({ on }: NeededPrivilege): { cluster: true } | { db: string; collection: string } {
  if (on === 'the cluster') return { cluster: true };
  if (on === 'all databases') return { db: '', collection: '' };
  if (on === 'the database admin') return { db: 'admin', collection: '' };
  return { db: 'admin', collection: on.replace('admin.', '') };
}
