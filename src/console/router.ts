import { computed, signal } from '@preact/signals';

/** The pages that the navigation leads to. Each has its name in the address; `home` has the empty one. */
export const PAGES = ['home', 'new', 'projects', 'agents', 'access', 'audit', 'about'] as const;

export type PageName = (typeof PAGES)[number];

/** A page of the console and its subject. */
export type Route =
  | { readonly page: PageName | 'unknown' }
  | { readonly page: 'migration'; readonly groupId: string; readonly migrationId: string };

const MIGRATION = /^#\/projects\/([0-9a-f]{24})\/migrations\/([0-9a-f]{24})$/;

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

/** The route in the address. It is behind the `#`, so the server has no paths of the console besides `/`. */
export const route = computed((): Route => {
  const [, groupId, migrationId] = MIGRATION.exec(hash.value) ?? [];
  if (groupId !== undefined && migrationId !== undefined) return { page: 'migration', groupId, migrationId };
  return { page: PAGES.find((page) => hrefOf(page) === (hash.value || '#/')) ?? 'unknown' };
});

/** The address of a page of the navigation. */
export function hrefOf(page: PageName): string {
  return page === 'home' ? '#/' : `#/${page}`;
}

/** The address of a migration's page. */
export function migrationHref(groupId: string, migrationId: string): string {
  return `#/projects/${groupId}/migrations/${migrationId}`;
}
