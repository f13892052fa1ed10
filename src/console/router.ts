import { computed, signal } from '@preact/signals';

/** A page of the console and what it is about. */
export type Route =
  | { readonly page: 'home' }
  | { readonly page: 'migration'; readonly groupId: string; readonly migrationId: string }
  | { readonly page: 'unknown' };

const MIGRATION = /^#\/projects\/([0-9a-f]{24})\/migrations\/([0-9a-f]{24})$/;

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

/** The route in the address. It is behind the `#`, so the server has no paths of the console besides `/`. */
export const route = computed((): Route => {
  if (hash.value === '' || hash.value === '#/') return { page: 'home' };
  const [, groupId, migrationId] = MIGRATION.exec(hash.value) ?? [];
  if (groupId !== undefined && migrationId !== undefined) return { page: 'migration', groupId, migrationId };
  return { page: 'unknown' };
});

/** The address of a migration's page. */
export function migrationHref(groupId: string, migrationId: string): string {
  return `#/projects/${groupId}/migrations/${migrationId}`;
}
