import { useSignal } from '@preact/signals';
import { API, send } from '../api/client.ts';
import { usePolled } from '../api/polled.ts';
import { organizationId } from '../api/session.ts';
import type { AuditEvent } from '../api/types.ts';
import { Field, textOf } from '../dialogs/field.tsx';
import { count } from '../format.ts';
import { PolledPage } from '../page.tsx';
import { Panel } from '../panels/panel.tsx';
import { type Column, Table } from '../table.tsx';
import { text } from '../text.ts';
import { auditText as words } from '../texts/audit.ts';
import { Time } from '../time.tsx';

const PAGE_SIZE = 50;

const COLUMNS: readonly Column<AuditEvent>[] = [
  [words.when, (event) => <Time iso={event.created} />],
  [words.type, (event) => <b>{event.eventTypeName}</b>],
  [words.who, ({ linkspan: { actorKind, actorName } }) => `${actorKind} ${actorName}`],
  [words.from, (event) => event.remoteAddress ?? '–'],
  [words.details, ({ linkspan: { details } }) => <code>{detailsOf(details)}</code>],
];

/** The events of the organization, newest first, by type and page. */
export function AuditPage() {
  const types = useSignal('');
  const page = useSignal(1);
  const query = new URLSearchParams({
    itemsPerPage: String(PAGE_SIZE),
    pageNum: String(page.value),
    ...(types.value && { eventType: types.value }),
  }).toString();
  const polled = usePolled(
    (signal) =>
      send<{ results: readonly AuditEvent[]; totalCount: number }>(
        'GET',
        `${API}/orgs/${organizationId()}/events?${query}`,
        { signal },
      ),
    { key: query },
  );
  const filter = (event: SubmitEvent) => {
    event.preventDefault();
    types.value = textOf(new FormData(event.currentTarget as HTMLFormElement), 'types')
      .replaceAll(' ', '')
      .toUpperCase();
    page.value = 1;
  };
  const turn = (by: number) => () => {
    page.value += by;
  };
  return (
    <PolledPage title={text.pages.audit} polled={polled}>
      {({ results, totalCount }) => {
        const first = (page.value - 1) * PAGE_SIZE;
        const last = first + results.length;
        return (
          <Panel title={words.title} note={words.range(count(first + 1), count(last), count(totalCount))}>
            <form class="inline" onSubmit={filter}>
              <Field label={words.filter} hint={words.filterHint} name="types" />
              <button type="submit">{words.show}</button>
            </form>
            <Table
              label={text.pages.audit}
              columns={COLUMNS}
              rows={results}
              keyOf={(event) => event.id}
              none={words.none}
            />
            <div class="buttons">
              <button type="button" disabled={page.value === 1} onClick={turn(-1)}>
                {words.newer}
              </button>
              <button type="button" disabled={last >= totalCount} onClick={turn(1)}>
                {words.older}
              </button>
            </div>
          </Panel>
        );
      }}
    </PolledPage>
  );
}

/** The details of an event as `name: value`, without lists and quotes where they say nothing. */
function detailsOf(details: AuditEvent['linkspan']['details']): string {
  return Object.entries(details)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}
