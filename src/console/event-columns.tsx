import type { AuditEvent } from './api/types.ts';
import type { Column } from './table.tsx';
import { auditText as words } from './texts/audit.ts';
import { Time } from './time.tsx';

/** The columns of a table of audit events. */
export const EVENT_COLUMNS: readonly Column<AuditEvent>[] = [
  [words.when, (event) => <Time iso={event.created} />],
  [words.type, (event) => <b>{event.eventTypeName}</b>],
  [words.who, ({ linkspan: { actorKind, actorName } }) => `${words.actorKinds[actorKind]} ${actorName}`],
  [words.from, (event) => event.remoteAddress ?? '–'],
  [words.details, ({ linkspan: { details } }) => Object.keys(details).length > 0 && <code>{detailsOf(details)}</code>],
];

/** The details of an event as `name: value`, without lists and quotes where they say nothing. */
function detailsOf(details: AuditEvent['linkspan']['details']): string {
  return Object.entries(details)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}
