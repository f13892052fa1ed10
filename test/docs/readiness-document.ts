import { GATE_GROUPS, GATES, type GateDeclaration } from '../../src/contract/index.ts';

const INTRODUCTION = `# Readiness for the cutover

For operators who decide when to cut over, and for programs that read the checklist. A migration is ready when every gate
that refuses is passed or skipped. The other gates are advice: a cutover waits for what they name by itself, or can't change
it. This page is generated from \`src/contract/gates.ts\` by \`npm run docs\`.

The checklist is the same everywhere: \`linkspan.readiness\` of the API's live migration, \`linkspan.readiness\` of
\`GET /progress\`, \`linkspan migration describe\`, and \`readiness\` in the lines of \`linkspan sync --output json\`.
\`readyForCutover\`, \`canCommit\` and \`notReadyReasons\` follow from it.

| field | meaning |
|---|---|
| \`name\` | the gate's stable name |
| \`group\`, \`title\`, \`unit\`, \`refuses\`, \`action\` | as in the tables below |
| \`state\` | \`PASSED\`; \`WAITING\`: it passes by itself; \`BLOCKED\`: an operator has to act; \`UNKNOWN\`: not measured, or not any more; \`SKIPPED\`: it does not apply, as \`reasons\` says |
| \`value\`, \`limit\` | numbers in the gate's unit; null when there are none |
| \`reasons\` | why it is not passed |
| \`measuredAt\` | when it was measured, by the clock of who measured it; null when it was not |
| \`etaSeconds\` | estimated time until it passes; null when unknown |

\`linkspan sync\` has no control plane, so it lacks \`AGENT\`, \`REQUEST\` and \`WINDOW\`. When the agent is silent, the gates that it
reported are \`UNKNOWN\`. A gate that only a later version knows refuses.

## How the lag is measured

The engine writes a note into the source's oplog every 2 s, acknowledged by the majority of the members: a barrier. When
the stream has passed a barrier, and all changes before it are applied, everything that the source acknowledged before the
note was sent is on the destination. The lag is the time since then, by the engine's own clock. So it grows by itself when the
source, the stream, the destination or the engine stands still, it counts writes that the source's majority doesn't have
yet, and no clock of another host matters.

The lag is small at 10 s or less. It is steady after three barriers in a row within that limit, and after it was small for
as long as it was too large before, up to 60 s. So a small migration waits for less than a second, one that was
behind for an hour for a minute, and one whose lag swings around the limit until it stops. A pause does not count as lag,
but three new barriers have to pass after it.

`;

/** Returns docs/reference/readiness.md, made from the catalogue of gates. */
export function readinessDocument(): string {
  return INTRODUCTION + GATE_GROUPS.map(tableOf).join('\n');
}

function tableOf(group: (typeof GATE_GROUPS)[number]): string {
  const rows = Object.entries(GATES).filter(([, gate]) => gate.group === group);
  return [
    `## ${group.charAt(0).toUpperCase()}${group.slice(1).toLowerCase()}`,
    '',
    '| gate | passed when | refuses | unit | what to do |',
    '|---|---|---|---|---|',
    ...rows.map(
      ([name, { title, refuses, unit, action, whileWaiting }]: [string, GateDeclaration]) =>
        `| \`${name}\` | ${title} | ${refuses ? 'yes' : 'no, advice'} | ${unit ?? ''} | ${[whileWaiting, action].filter(Boolean).join(' ')} |`,
    ),
    '',
  ].join('\n');
}
