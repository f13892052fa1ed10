import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { API, call, send } from '../api/client.ts';
import { readList } from '../api/lists.ts';
import { usePolled } from '../api/polled.ts';
import { holds, organizationId } from '../api/session.ts';
import type { AuditEvent, AuditVerification, Project } from '../api/types.ts';
import { Ask } from '../dialogs/ask.tsx';
import { Field, textOf } from '../dialogs/field.tsx';
import { EVENT_COLUMNS } from '../event-columns.tsx';
import { count } from '../format.ts';
import { Message } from '../message.tsx';
import { PolledPage } from '../page.tsx';
import { Panel } from '../panels/panel.tsx';
import { Table } from '../table.tsx';
import { text } from '../text.ts';
import { auditText as words } from '../texts/audit.ts';
import { Time } from '../time.tsx';

const PAGE_SIZE = 50;
/** Where the filter leaves room for events. On a narrow screen it is folded. */
const ROOMY = '(min-width: 901px)';

/** The reader's filter: parameters of the API, and the project. */
interface Filter {
  readonly groupId: string;
  readonly eventType: string;
  readonly actorName: string;
  readonly targetKind: string;
  readonly targetId: string;
  readonly minDate: string;
  readonly maxDate: string;
}

const ALL: Filter = {
  groupId: '',
  eventType: '',
  actorName: '',
  targetKind: '',
  targetId: '',
  minDate: '',
  maxDate: '',
};

/** Reads a page of events, newest first. */
async function readEvents({ groupId, ...filter }: Filter, page: number, signal: AbortSignal) {
  const place = groupId === '' ? `/orgs/${organizationId()}` : `/groups/${groupId}`;
  const given = Object.entries(filter).filter(([, value]) => value !== '');
  const query = new URLSearchParams([['itemsPerPage', String(PAGE_SIZE)], ['pageNum', String(page)], ...given]);
  const [events, projects] = await Promise.all([
    send<{ results: readonly AuditEvent[]; totalCount: number }>('GET', `${API}${place}/events?${query}`, { signal }),
    readList<Project>('/groups', signal),
  ]);
  return { ...events, projects };
}

/** The events of the organization or of a project, newest first, by type, actor, target, time and page. */
export function AuditPage() {
  const filter = useSignal(ALL);
  const page = useSignal(1);
  // Read once: a later width does not unfold what the reader folded.
  const isRoomy = useMemo(() => matchMedia(ROOMY).matches, []);
  const polled = usePolled((signal) => readEvents(filter.value, page.value, signal), {
    key: JSON.stringify([filter.value, page.value]),
  });
  const choose = (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    filter.value = {
      groupId: textOf(fields, 'project'),
      eventType: textOf(fields, 'types').replaceAll(' ', '').toUpperCase(),
      actorName: textOf(fields, 'actor'),
      targetKind: textOf(fields, 'targetKind'),
      targetId: textOf(fields, 'targetId'),
      minDate: utcOf(textOf(fields, 'from')),
      maxDate: utcOf(textOf(fields, 'until')),
    };
    page.value = 1;
  };
  const turn = (by: number) => () => {
    page.value += by;
  };
  return (
    <PolledPage title={text.pages.audit} polled={polled} actions={holds() && <VerifyAudit />}>
      {({ results, totalCount, projects }) => {
        const first = (page.value - 1) * PAGE_SIZE;
        const last = first + results.length;
        return (
          <Panel title={words.title} note={words.range(count(first + 1), count(last), count(totalCount))}>
            <details class="narrow" open={isRoomy}>
              <summary>{words.narrow}</summary>
              <form class="filters" onSubmit={choose}>
                <Field label={words.filter} hint={words.filterHint} name="types" />
                <Field label={words.actor} hint={words.actorHint} name="actor" />
                <Choice
                  name="project"
                  label={words.project}
                  hint={words.projectHint}
                  any={words.allProjects}
                  options={projects.map(({ id, name }) => [id, name])}
                />
                <Choice
                  name="targetKind"
                  label={words.targetKind}
                  hint={words.targetKindHint}
                  any={words.anyTarget}
                  options={Object.entries(words.targetKinds)}
                />
                <Field label={words.targetId} hint={words.targetIdHint} name="targetId" />
                <Field label={words.since} type="datetime-local" name="from" />
                <Field label={words.until} type="datetime-local" name="until" />
                <button type="submit">{words.show}</button>
              </form>
            </details>
            <Table
              label={text.pages.audit}
              columns={EVENT_COLUMNS}
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

interface ChoiceProps {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  /** The text of the choice that filters nothing. */
  readonly any: string;
  readonly options: readonly (readonly [value: string, text: string])[];
}

function Choice({ name, label, hint, any, options }: ChoiceProps) {
  return (
    <label>
      {label}
      <span class="mute small hint">{hint}</span>
      <select name={name}>
        <option value="">{any}</option>
        {options.map(([value, shown]) => (
          <option key={value} value={value}>
            {shown}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A time that was typed in UTC, as the API takes it; empty stays empty. */
function utcOf(typed: string): string {
  return typed === '' ? '' : new Date(`${typed}Z`).toISOString();
}

/** Verifies all records, and shows the result. */
function VerifyAudit() {
  const verify = async () => {
    const { isIntact, records, problem, verifiedAt } = await call<AuditVerification>(
      'GET',
      `/orgs/${organizationId()}/events/verification`,
    );
    return (
      <>
        <Message tone={isIntact ? 'calm' : 'bad'}>
          {problem === null ? words.intact(count(records)) : words.broken(problem.sequence, problem.description)}
        </Message>
        <p class="mute small">
          {words.verifiedAt} <Time iso={verifiedAt} />. {words.cutOff}
        </p>
      </>
    );
  };
  return <Ask label={words.verify} {...words.verification} onSubmit={verify} />;
}
