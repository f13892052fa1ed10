import { cpSync, existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { defineConfig, type SiteConfig } from 'vitepress';
import { chapters, decisions, type Entry, ROOT } from './contents.ts';
import { stateDiagram } from './state-diagram.ts';

const link = (path: string) => `/${path.replace(/(?:index)?\.md$/, '')}`;
const item = ({ title, path }: Entry) => ({ text: title, link: link(path) });

const sidebar = chapters().map(({ title, entries }) => ({
  text: title,
  collapsed: false,
  items: entries.map((entry) =>
    entry.path === 'docs/adr/index.md'
      ? { ...item(entry), collapsed: true, items: decisions().map(item) }
      : item(entry),
  ),
}));

/** Returns the anchor that GitHub gives a heading: links have to work there, too. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}

/** Copies the files that pages link to and that are no pages, such as schemas and examples, to their places in the site. */
function copyLinkedFiles({ pages, outDir, srcDir }: SiteConfig): void {
  for (const page of pages) {
    const text = readFileSync(posix.join(srcDir, page), 'utf8');
    for (const [, path = ''] of text.matchAll(/\]\((?!\w+:)([^)#\s]+)/g)) {
      const file = posix.join(posix.dirname(page), path);
      if (!file.endsWith('.md') && existsSync(posix.join(srcDir, file))) {
        cpSync(posix.join(srcDir, file), posix.join(outDir, file));
      }
    }
  }
}

// VitePress would take a link to an example in Python for one to a page.
process.env.VITE_EXTRA_EXTENSIONS = 'py';

/** The manual as a site (`npm run docs:site`). Its paths are those of the repository, so that links work in both. */
// biome-ignore lint/style/noDefaultExport: VitePress reads the default export
export default defineConfig({
  title: 'Linkspan',
  description: 'Self-hosted push live migration for MongoDB that speaks the MongoDB Atlas Administration API',
  srcDir: ROOT,
  srcExclude: ['{.github,bench,demo,deploy,dist,packaging,src,test}/**'],
  outDir: `${ROOT}dist/site`,
  cacheDir: `${ROOT}node_modules/.cache/vitepress`,
  rewrites: { 'README.md': 'index.md' },
  markdown: {
    anchor: { slugify: anchorOf },
    config: ({ renderer: { rules } }) => {
      const { fence } = rules;
      rules.fence = (tokens, at, ...rest) => {
        const { info, content } = tokens[at] ?? { info: '', content: '' };
        return info === 'mermaid' ? stateDiagram(content) : (fence?.(tokens, at, ...rest) ?? '');
      };
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    nav: [{ text: 'Manual', link: '/docs/' }],
    sidebar,
    outline: 'deep',
  },
  // The search index of the whole manual is one file.
  vite: { build: { chunkSizeWarningLimit: 4_000 } },
  buildEnd: copyLinkedFiles,
});
