import { instance } from '@viz-js/viz';

const graphviz = await instance();
/** Graphviz knows no `currentColor`, by which a picture has the colour of the text around it, also in the dark. */
const INK = '#010203';
const STYLE = [
  'bgcolor=transparent; nodesep=0.3; ranksep=0.45;',
  `node [shape=box, style=rounded, fontname="Helvetica", fontsize=11, height=0.35, color="${INK}", fontcolor="${INK}"];`,
  `edge [fontname="Helvetica", fontsize=10, color="${INK}", fontcolor="${INK}", arrowsize=0.7];`,
  '"[*]" [shape=point, width=0.12, label=""];',
].join(' ');
/** So many states that go to the same one by the same event share an arrow: one each would cross all others. */
const MANY = 4;

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly events: string;
}

/**
 * Draws a Mermaid state diagram, as pages have them, as an SVG. The browser then needs no library for that.
 * @param text  the content of the block: titles of states, and arrows with their events
 * @returns HTML that Vue takes as it is
 * @throws Error for a line that this doesn't know, because it would be missing in the picture
 */
export function stateDiagram(text: string): string {
  const [kind, ...lines] = text.trim().split('\n');
  if (kind !== 'stateDiagram-v2') throw new Error(`no state diagram: ${kind}`);
  const titles = new Map<string, string>();
  const arrows: Arrow[] = [];
  for (const line of lines) {
    const [, from, to = '', events = ''] = /^ {2}(\S+) --> (\w+)(?:: (.+))?$/.exec(line) ?? [];
    const [, state, title = ''] = /^ {2}(\w+): (.+)$/.exec(line) ?? [];
    if (from !== undefined) arrows.push({ from, to, events });
    else if (state !== undefined) titles.set(state, title);
    else throw new Error(`unknown in a state diagram: ${line}`);
  }
  const titleOf = (state: string) => titles.get(state) ?? state;
  const alike = Map.groupBy(arrows, ({ to, events }) => `${to} ${events}`);
  const statements = [...alike.values()].flatMap((some, n) =>
    some.length < MANY ? some.map(drawn) : shared(some, titleOf, `shared ${n}`),
  );
  const states = [...new Set(arrows.map(({ to }) => to))];
  const nodes = states.map((state) => `"${state}" [label="${titleOf(state)}"];`);
  const svg = svgOf(`digraph { ${STYLE} ${[...nodes, ...statements].join(' ')} }`);
  const label = `States: ${states.map(titleOf).join(', ')}`;
  return `<figure v-pre class="state-diagram" role="img" aria-label="${label}" style="overflow-x: auto">${svg}</figure>\n`;
}

function drawn({ from, to, events }: Arrow): string {
  // Spaces keep the text off the arrow where the reader's font is wider than Helvetica.
  const label = events
    .split(', ')
    .map((event) => `  ${event}  `)
    .join('\\n');
  return `"${from}" -> "${to}" [label="${label}"];`;
}

/** Draws one arrow from a list of the states that it begins in. */
function shared(arrows: readonly Arrow[], titleOf: (state: string) => string, id: string): string[] {
  const [first] = arrows;
  if (first === undefined) return [];
  const list = arrows.map(({ from }) => titleOf(from)).join('\\n');
  return [`"${id}" [shape=note, style=dashed, label="${list}"];`, drawn({ ...first, from: id })];
}

/** Lays a graph out. Removes the ids, which several pictures of a page would share. */
function svgOf(dot: string): string {
  const { output = '', errors } = graphviz.render(dot, { format: 'svg' });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'));
  return output
    .slice(output.indexOf('<svg'))
    .replaceAll(INK, 'currentColor')
    .replaceAll(/ id="[^"]*"|<!--.*?-->|<title>.*?<\/title>/gs, '')
    .replaceAll(/\n+/g, '\n')
    .trim();
}
