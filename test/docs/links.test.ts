import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BUILT } from './documents.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Returns the text of a file, also of one that a build makes. */
const read = (file: string) => BUILT[file]?.('') ?? readFileSync(join(ROOT, file), 'utf8');

const PAGES = globSync(['*.md', 'docs/**/*.md', '{demo,deploy,bench}/**/*.md'], { cwd: ROOT });
const SOURCES = globSync('{src,test,demo,bench}/**/*.{ts,js}', { cwd: ROOT });

interface Reference {
  readonly from: string;
  /** The path from the repository's root. */
  readonly file: string;
  readonly anchor: string | undefined;
}

/** Returns the references to pages by their path from the root, with or without an anchor, anywhere in a text. */
function pathsIn(from: string, text: string): Reference[] {
  const found = text.matchAll(/(?<![\w./-])docs\/(?<path>[\w./-]+\.md)(?:#(?<anchor>[\w-]+))?/g);
  return [...found].map(({ groups }) => ({ from, file: `docs/${groups?.path}`, anchor: groups?.anchor }));
}

/** Returns the Markdown links of a page to other files of the repository, or to its own headings. */
function linksIn(from: string): Reference[] {
  const found = withoutCode(read(from)).matchAll(/\]\((?!\w+:)(?<path>[^)#\s]*)(?:#(?<anchor>[^)\s]+))?\)/g);
  return [...found].map(({ groups }) => ({
    from,
    file: groups?.path ? normalize(join(dirname(from), groups.path)) : from,
    anchor: groups?.anchor,
  }));
}

const withoutFences = (page: string) => page.replaceAll(/^( *)```.*?^\1```$/gms, '');
const withoutCode = (page: string) => withoutFences(page).replaceAll(/`[^`\n]*`/g, '');

const commentsOf = (source: string) => source.match(/\/\*[\s\S]*?\*\/|(?<![:\w'"`])\/\/.*$/gm)?.join('\n') ?? '';

const anchorsByFile = new Map<string, Set<string>>();

/** Returns the anchors of a page: declared ones, and those that GitHub gives its headings. */
function anchorsOf(file: string): Set<string> {
  const known = anchorsByFile.get(file);
  if (known !== undefined) return known;
  const page = withoutFences(read(file));
  const declared = [...page.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id);
  const anchors = new Set(declared);
  for (const [, heading = ''] of page.matchAll(/^#+ (.+)$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = text.replaceAll(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  anchorsByFile.set(file, anchors);
  return anchors;
}

function problemOf({ file, anchor }: Reference): string | undefined {
  if (!(file in BUILT || existsSync(join(ROOT, file)))) return `${file} does not exist`;
  if (anchor !== undefined && !anchorsOf(file).has(anchor)) return `${file} has no anchor #${anchor}`;
  return undefined;
}

test('every reference to docs/, in code and on pages, leads to an existing file and anchor', () => {
  const references = [
    ...SOURCES.flatMap((file) => pathsIn(file, read(file))),
    ...PAGES.flatMap((file) => [...pathsIn(file, read(file)), ...linksIn(file)]),
  ];
  assert.ok(references.length > 300);
  const problems = references.flatMap((reference) => {
    const problem = problemOf(reference);
    return problem === undefined ? [] : [`${reference.from}: ${problem}`];
  });
  assert.deepEqual(problems, []);
});

/** Citations of numbered lists and sections: `[12]`, `[38–40]`, `§8.4`, `(contract …)`. Sections of an RFC name a public document. */
const CITATION =
  /(?<![\w)\]>])\[\d{1,2}(?:[–, -]+\d{1,2})*\](?!\()|(?<!RFC \d+ )§ ?\d|\(contract\b|\bcontract §|\blive-migration §/g;

test('no comment and no page cites a document outside of the repository', () => {
  const texts = [
    ...SOURCES.filter((file) => file.startsWith('src/')).map((file) => ({ file, text: commentsOf(read(file)) })),
    ...PAGES.map((file) => ({ file, text: withoutCode(read(file)) })),
  ];
  const citations = texts.flatMap(({ file, text }) =>
    [...text.matchAll(CITATION)].map(([found]) => `${file}: ${found}`),
  );
  assert.deepEqual(citations, []);
});
