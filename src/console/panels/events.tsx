import { readPage } from '../api/lists.ts';
import { usePolled } from '../api/polled.ts';
import type { AuditEvent } from '../api/types.ts';
import { EVENT_COLUMNS } from '../event-columns.tsx';
import { Table } from '../table.tsx';
import { migrationText } from '../texts/migration.ts';
import { Panel } from './panel.tsx';

const SHOWN = 20;
const EVERY_MS = 15_000;

/** What was done with a migration, by whom, the newest first. The audit has the rest. Absent without the role to read it. */
export function EventsPanel({ groupId, id }: { readonly groupId: string; readonly id: string }) {
  const query = `targetKind=MIGRATION&targetId=${id}&itemsPerPage=${SHOWN}`;
  const { value } = usePolled((signal) => readPage<AuditEvent>(`/groups/${groupId}/events`, query, signal), {
    key: id,
    everyMs: EVERY_MS,
  });
  const words = migrationText.events;
  if (value.value === undefined) return null;
  return (
    <Panel title={words.title} note={words.note}>
      <Table label={words.title} columns={EVENT_COLUMNS} rows={value.value} keyOf={({ id }) => id} none={words.none} />
    </Panel>
  );
}
