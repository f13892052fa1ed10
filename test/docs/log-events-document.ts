import type { LogEventDefinition } from '../../src/platform/log-events/define.ts';
import { LOG_EVENTS } from '../../src/platform/log-events/index.ts';

const INTRODUCTION = `# Log events

For operators who filter logs or alert on them. After reading it you know the name of each kind of log line, what it means,
and its fields. This page is generated from \`src/platform/log-events\` by \`npm run docs\`.

Commands write a line for each event to stderr: JSON, or text on a terminal. \`--log-format\` of \`serve\` and \`agent\`
chooses.

\`\`\`json
{"level":40,"time":"2026-11-28T03:00:00.000Z","migrationId":"6747e1a2c0ffee0000000001","state":"COPYING","event":"copy.collection_waits","namespace":"shop.orders","reason":"…","msg":"A collection waits; all others continue"}
\`\`\`

- **\`event\` is the name of the kind.** Names are stable: a release may add some, and the changelog says when one is
  renamed or removed. Texts in \`msg\` and the other fields may change with any release.
- **\`level\`** is 20 for debug, 30 for info, 40 for warn, 50 for error, 60 for fatal. \`LINKSPAN_LOG_LEVEL\` sets the
  lowest that is written: info by default for \`serve\` and \`agent\`, warn for all others.
- **Lines about a migration** have \`migrationId\`, and those of its engine \`state\`, such as \`COPYING\`, once its
  records are loaded. \`namespace\` is the database and collection, on the source unless the event names another side.
- **A field that ends in \`?\` may be absent.** \`reason\` and \`error\` say why, \`err\` has the stack too. A field whose name
  ends in \`Ms\` is a time in milliseconds since the epoch, or a duration.

For an alert, begin with the levels error and fatal (\`jq 'select(.level >= 50) | .event'\`), and add single events that
matter to you. [Monitoring](../operate/monitoring.md) and [Hooks](../operate/hooks.md) report states instead of lines.
`;

/** Returns docs/reference/log-events.md, made from the catalogue. */
export function logEventsDocument(): string {
  const chapters = Object.entries(LOG_EVENTS).map(([title, events]) => {
    const rows = Object.entries<LogEventDefinition>(events)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { level, fields = [], meaning }]) => {
        const shown = fields.map((field) => `\`${field}\``).join(', ');
        return `| \`${name}\` | ${level} | ${meaning} | ${shown} |\n`;
      });
    return `\n## ${title}\n\n| event | level | meaning | fields |\n|---|---|---|---|\n${rows.join('')}`;
  });
  return INTRODUCTION + chapters.join('');
}
