import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { shownBytes } from '../../contract/index.ts';
import { type CollectionRows, useCollections } from '../api/collections.ts';
import type { MigrationCollection } from '../api/types.ts';
import { count, rate } from '../format.ts';
import { Icon } from '../icon.tsx';
import type { IconName } from '../icon-shapes.ts';
import { migrationText } from '../texts/migration.ts';
import { Time } from '../time.tsx';
import { Panel } from './panel.tsx';

const words = migrationText.collections;

/** Rows that are drawn above and below the visible ones, so that scrolling shows no gap. */
const SPARE_ROWS = 10;
/** Until the first row is measured. */
const ROW_PX = 36;
const VISIBLE_ROWS = 10;
/** How long the filter waits for another letter. */
const TYPING_MS = 250;

const STATES: Readonly<Record<MigrationCollection['state'], readonly [IconName, tone: string]>> = {
  WAITING: ['waiting', 'mute'],
  COPYING: ['running', 'live'],
  INDEXING: ['running', 'live'],
  CATCHING_UP: ['running', 'live'],
  DONE: ['done', 'ok'],
  SUSPECT: ['warning', 'warn'],
  QUARANTINED: ['warning', 'warn'],
};

/** All collections of a migration. Only the visible rows are loaded and drawn, however many there are. */
export function CollectionsPanel({ path, isOver }: { readonly path: string; readonly isOver: boolean }) {
  const filter = useSignal('');
  const shown = useSignal({ first: 0, last: VISIBLE_ROWS + SPARE_ROWS });
  const { value, problem } = useCollections(path, filter.value, shown.value);
  const list = value.value;
  // The agent has not reported any.
  if (list === undefined || list.reportedAt === null) return null;
  const { matching, itemsReported, itemsTotal, isCurrent, reportedAt } = list;
  const note =
    filter.value === '' ? words.note(count(itemsTotal)) : words.matching(count(matching), count(itemsReported));
  return (
    <Panel title={words.title} note={note}>
      <Filter
        onChange={(text) => {
          filter.value = text;
          shown.value = { first: 0, last: VISIBLE_ROWS + SPARE_ROWS };
        }}
      />
      {problem.value !== undefined && <p class="small mute">{problem.value}</p>}
      {matching === 0 ? (
        <p class="mute">{words.none}</p>
      ) : (
        <Rows
          key={filter.value}
          list={list}
          onWindow={(window) => {
            shown.value = window;
          }}
          window={shown.value}
        />
      )}
      {itemsReported < itemsTotal && (
        <p class="small mute">{words.incomplete(count(itemsReported), count(itemsTotal))}</p>
      )}
      {!isCurrent && (
        <p class="small mute">
          {isOver ? words.ended : words.old} <Time iso={reportedAt} />
        </p>
      )}
    </Panel>
  );
}

function Filter({ onChange }: { readonly onChange: (text: string) => void }) {
  const typing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(typing.current), []);
  const type = (event: Event) => {
    const { value } = event.currentTarget as HTMLInputElement;
    clearTimeout(typing.current);
    typing.current = setTimeout(() => onChange(value.trim()), TYPING_MS);
  };
  return (
    <label class="filter">
      <span>{words.filter}</span>
      <input type="search" autocomplete="off" spellcheck={false} onInput={type} />
    </label>
  );
}

interface Window {
  readonly first: number;
  readonly last: number;
}

interface RowsProps {
  readonly list: CollectionRows;
  readonly window: Window;
  readonly onWindow: (window: Window) => void;
}

/** The rows of a window, at their place in a box as high as all rows. */
function Rows({ list, window, onWindow }: RowsProps) {
  const box = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const rowPx = useSignal(ROW_PX);
  const look = () => {
    const { scrollTop = 0, clientHeight = 0 } = box.current ?? {};
    const first = Math.max(0, Math.floor(scrollTop / rowPx.value) - SPARE_ROWS);
    const last = Math.ceil((scrollTop + clientHeight) / rowPx.value) + SPARE_ROWS;
    if (first !== window.first || last !== window.last) onWindow({ first, last });
  };
  useLayoutEffect(() => {
    const measured = body.current?.rows[0]?.offsetHeight ?? 0;
    if (measured > 0) rowPx.value = measured;
  });
  const { matching, rows } = list;
  const last = Math.min(matching, window.last);
  const first = Math.min(window.first, Math.max(0, last - 1));
  const places = Array.from({ length: last - first }, (_, at) => first + at);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard
    <section class="rows" ref={box} onScroll={look} tabIndex={0} aria-label={words.table}>
      <div style={{ height: `${(matching + 1) * rowPx.value}px` }}>
        <table aria-label={words.table} aria-rowcount={matching + 1} style={{ marginTop: `${first * rowPx.value}px` }}>
          <thead>
            <tr aria-rowindex={1}>
              <th>{words.namespace}</th>
              <th>{words.state}</th>
              <th class="n">{words.documents}</th>
              <th class="n">{words.data}</th>
              <th class="n">{words.rate}</th>
            </tr>
          </thead>
          <tbody ref={body}>
            {places.map((place) => (
              <Row key={place} place={place} row={rows.get(place)} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ place, row }: { readonly place: number; readonly row: MigrationCollection | undefined }) {
  if (row === undefined) {
    return (
      <tr aria-rowindex={place + 2}>
        <td colSpan={5} class="mute">
          {words.loading}
        </td>
      </tr>
    );
  }
  const { namespace, state, reason, documentsCopied, documentsTotal, bytesCopied, bytesTotal, bytesPerSecond } = row;
  const order = row.readOrder && words.order(row.readOrder.order, row.readOrder.reason);
  const [icon, tone] = STATES[state];
  const share = (done: number, all: number | null, unit: (value: number) => string) =>
    state === 'DONE' || all === null ? unit(done) : words.of(unit(done), unit(all));
  return (
    <tr aria-rowindex={place + 2}>
      <th scope="row" title={namespace}>
        <code>{namespace}</code>
      </th>
      <td title={[reason, order].filter(Boolean).join(' ') || undefined}>
        <span class={`word ${tone}`}>
          <Icon name={icon} tone={tone} /> {words.states[state]}
        </span>
      </td>
      <td class="n documents" data-unit={words.unit}>
        {share(documentsCopied, documentsTotal, count)}
      </td>
      <td class="n">{share(bytesCopied, bytesTotal, shownBytes)}</td>
      <td class="n">{rate(bytesPerSecond, shownBytes)}</td>
    </tr>
  );
}
