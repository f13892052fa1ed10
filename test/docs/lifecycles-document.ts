import { COLLECTION_TRANSITIONS } from '../../src/engine/collections/lifecycle.ts';
import { CUTOVER_TRANSITIONS, MIGRATION_TRANSITIONS } from '../../src/engine/records/migration-lifecycle.ts';

type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Returns docs/reference/lifecycles.md, made from the engine's tables. */
export function lifecyclesDocument(): string {
  return `# Lifecycles

For engineers who change the engine, and for operators who want to know what a state means. The engine runs by three tables; this page is
generated from them by \`npm run docs\`. Each arrow is an event. Events that change nothing, and events that can't happen in a state,
have no arrow.

## A collection

\`src/engine/collections/lifecycle.ts\`. The record on the destination says \`pending\` for \`planning\`, and \`indexing\` for
\`draining\` and \`quarantined\`: a successor starts there. A collection may be suspect, refused or missing besides, in most states.

${diagram(COLLECTION_TRANSITIONS, 'creating')}
## A migration

\`src/engine/records/migration-lifecycle.ts\`. An engine that resumes a migration enters \`COPYING\` from every state that is not an end.

${diagram(MIGRATION_TRANSITIONS, 'CREATED')}
## A cutover

The same file. No event past \`committed\` opens the source. A rehearsal has no way to \`committed\`: it ends with the source open, and a cutover begins anew. \`sync --once\` goes from \`none\` to \`committed\` without a block.

${diagram(CUTOVER_TRANSITIONS, 'none')}`;
}

/** Returns a Mermaid state diagram. Events between the same two states share an arrow. */
function diagram(table: Table, first: string): string {
  const arrows = Object.entries(table).flatMap(([from, row]) => {
    const moves = Object.entries(row).filter(([, to]) => to !== 'ignored' && to !== 'impossible' && to !== from);
    return [...Map.groupBy(moves, ([, to]) => to)].map(([to, events]) => {
      return `  ${nameOf(from)} --> ${nameOf(to)}: ${events.map(([event]) => event).join(', ')}`;
    });
  });
  const titles = Object.keys(table).flatMap((state) =>
    nameOf(state) === state ? [] : [`  ${nameOf(state)}: ${state}`],
  );
  return ['```mermaid', 'stateDiagram-v2', ...titles, `  [*] --> ${nameOf(first)}`, ...arrows, '```', ''].join('\n');
}

/** Returns a state's name for Mermaid, which allows no spaces. */
function nameOf(state: string): string {
  return state.replaceAll(' ', '_');
}
