import { useEffect, useMemo } from 'preact/hooks';
import { serverTime } from '../api/clock.ts';
import { usePolled } from '../api/polled.ts';
import { Samples } from '../charts/samples.ts';
import { Ask } from '../dialogs/ask.tsx';
import { Field, textOf } from '../dialogs/field.tsx';
import { Mark } from '../icon.tsx';
import { Message } from '../message.tsx';
import { MigrationView } from '../pages/migration.tsx';
import { text } from '../text.ts';
import { syncText as words } from '../texts/sync.ts';
import { API, mayChange, readState, type SyncState, steering, unlock } from './api.ts';
import { isStarted, shownMigration } from './shown-migration.ts';
import { StartPanel } from './start.tsx';

/** The process is on the reader's machine, so a look costs little. A write pause is shorter than a second or two. */
const EVERY_MS = 500;

/** The migration of a `linkspan sync` process. */
export function SyncPage() {
  const { value, heardAtMs, problem, reload } = usePolled(readState, { everyMs: EVERY_MS });
  const state = value.value;
  return (
    <main class="alone">
      <header class="head">
        <span class="brand">
          <Mark />
          {text.product}
        </span>
        {state && !mayChange.value && <Unlock reload={reload} />}
      </header>
      {problem.value !== undefined && <Message tone="bad">{words.ended}</Message>}
      {state ? (
        <Shown state={state} heardAtMs={heardAtMs.value} reload={reload} />
      ) : (
        problem.value === undefined && <p class="mute">{text.loading}</p>
      )}
    </main>
  );
}

interface ShownProps {
  readonly state: SyncState;
  readonly heardAtMs: number;
  readonly reload: () => Promise<void>;
}

function Shown({ state: { settings, progress }, heardAtMs, reload }: ShownProps) {
  const samples = useMemo(() => new Samples('hour'), []);
  const migration = isStarted(progress) ? shownMigration(progress) : undefined;
  useEffect(() => {
    if (migration) samples.add(migration, serverTime(heardAtMs));
    else document.title = `${words.title} · ${text.product}`;
  }, [heardAtMs]);
  if (!migration || !isStarted(progress)) {
    return (
      <>
        <div class="head">
          <h1>{words.title}</h1>
        </div>
        {progress.info === null ? <StartPanel settings={settings} reload={reload} /> : <p>{progress.info}</p>}
      </>
    );
  }
  const { Source, Destination } = progress.directionMapping;
  return (
    <MigrationView
      migration={migration}
      steering={steering}
      path={undefined}
      collectionsAt={API}
      groupId={undefined}
      heardAtMs={heardAtMs}
      period={undefined}
      samples={samples}
    >
      {words.sides(Source, Destination)}
    </MigrationView>
  );
}

function Unlock({ reload }: { readonly reload: () => Promise<void> }) {
  const submit = async (fields: FormData) => {
    if (!(await unlock(textOf(fields, 'token')))) throw new Error(words.wrongToken);
    await reload();
  };
  return (
    <Ask label={words.unlock} {...words.unlocking} onSubmit={submit}>
      <Field label={words.token} name="token" type="password" autocomplete="off" required />
    </Ask>
  );
}
