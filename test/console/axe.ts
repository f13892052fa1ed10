import { AxeBuilder } from '@axe-core/playwright';
import type { WatchedPage } from './browser.ts';

/** The violations of WCAG 2.2 AA that axe finds on a page as it is now. */
export async function violationsOf({ page }: WatchedPage): Promise<string[]> {
  const builder = new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']);
  // No page has frames. For those, axe would open a second page for every look.
  builder.setLegacyMode();
  const { violations } = await builder.analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
