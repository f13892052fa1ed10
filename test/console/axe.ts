import { AxeBuilder } from '@axe-core/playwright';
import type { WatchedPage } from './browser.ts';

/** What axe finds against WCAG 2.2 AA on a page as it is now. */
export async function violationsOf({ page }: WatchedPage): Promise<string[]> {
  const builder = new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']);
  const { violations } = await builder.analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
