import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Reader } from '../reader.ts';

/** How a reader runs the migration. The pages have commands for each, and some that serve both. */
export type Face = 'control plane' | 'sync';

const COMMAND_OF: Readonly<Record<Face, RegExp>> = { 'control plane': /^linkspan migration /m, sync: /"\$SYNC/ };
/** A command of the pages, with the text before it. */
const BLOCK = /(?:(?!```)[\s\S])*?```sh\n[\s\S]*?```/g;

const PAGES = ['when-a-cutover-fails', 'before-the-commit', 'lost-or-failed', 'after-the-commit'];
const page = PAGES.map((name) =>
  readFileSync(new URL(`../../../docs/cut-over/${name}.md`, import.meta.url), 'utf8'),
).join('\n');

/** Returns the headings of the pages that have commands, with the faces that have commands of their own there. */
export function partsOfPage(): { readonly heading: string; readonly faces: readonly Face[] }[] {
  const headings = [...page.matchAll(/^##+ (.+)$/gm)].map(([, heading = '']) => heading);
  const faces = (heading: string) => (Object.keys(COMMAND_OF) as Face[]).filter((face) => hasOwn(heading, face));
  return headings.filter((one) => blocksOf(one).length > 0).map((heading) => ({ heading, faces: faces(heading) }));
}

/**
 * The commands of one section for one face, in their order: of docs/cut-over/when-a-cutover-fails.md or of a page that it leads to.
 * Disposing it fails the test when it left one out.
 */
export class PagePart implements Disposable {
  readonly #heading: string;
  readonly #left: string[];

  constructor(heading: string, face: Face) {
    this.#heading = heading;
    const other = face === 'sync' ? 'control plane' : 'sync';
    this.#left = blocksOf(heading).filter((block) => !COMMAND_OF[other].test(commandOf(block)));
    assert.ok(this.#left.length > 0, `no commands under ${heading}`);
  }

  /** Follows the next commands, or all that are left. @returns what the last one has shown */
  async follow(reader: Reader, count = this.#left.length): Promise<string> {
    for (const block of this.#left.splice(0, count)) {
      await reader.follow(block);
      assert.ok(!reader.answer.includes('"success":false'), `${commandOf(block)}${reader.answer}`);
    }
    return reader.answer;
  }

  [Symbol.dispose](): void {
    assert.deepEqual(this.#left.map(commandOf), [], `commands under ${this.#heading} were not run`);
  }
}

/** Returns the commands of a section, up to the next heading, each with the text before it. */
function blocksOf(heading: string): string[] {
  const [, text = ''] = page.split(`# ${heading}\n`);
  return (text.split(/\n##+ /)[0] ?? '').match(BLOCK) ?? [];
}

function hasOwn(heading: string, face: Face): boolean {
  return blocksOf(heading).some((block) => COMMAND_OF[face].test(commandOf(block)));
}

function commandOf(block: string): string {
  return /```sh\n([\s\S]*?)```/.exec(block)?.[1] ?? '';
}
