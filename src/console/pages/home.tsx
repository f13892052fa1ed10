import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { type ListedMigration, listMigrations } from '../api/migrations.ts';
import { unlessSessionEnded } from '../api/session.ts';
import { Message } from '../message.tsx';
import { text } from '../text.ts';

const EVERY_MS = 5000;

/** Lists the migrations of all projects that the session sees. */
export function HomePage() {
  const listed = useSignal<readonly ListedMigration[] | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const left = new AbortController();
    const read = async () => {
      try {
        listed.value = await listMigrations(left.signal);
        problem.value = undefined;
      } catch (error) {
        if (left.signal.aborted) return;
        const other = unlessSessionEnded(error);
        if (other !== undefined)
          problem.value = other instanceof TypeError ? text.unreachable : String((other as Error).message);
      }
    };
    void read();
    const timer = setInterval(() => void read(), EVERY_MS);
    return () => {
      clearInterval(timer);
      left.abort();
    };
  }, []);
  return (
    <>
      <div class="head">
        <h1>{text.home.title}</h1>
      </div>
      {problem.value !== undefined && <Message tone="bad">{problem.value}</Message>}
      {listed.value === undefined ? <p class="mute">{text.loading}</p> : <Migrations listed={listed.value} />}
    </>
  );
}

function Migrations({ listed }: { readonly listed: readonly ListedMigration[] }) {
  if (listed.length === 0) {
    return (
      <section class="panel">
        <h2>{text.home.none}</h2>
        <p class="mute">{text.home.noneHow}</p>
      </section>
    );
  }
  return (
    <section class="panel scroll">
      <table>
        <thead>
          <tr>
            <th>{text.home.name}</th>
            <th>{text.home.state}</th>
            <th>{text.home.project}</th>
          </tr>
        </thead>
        <tbody>
          {listed.map(({ project, migration }) => (
            <tr key={migration._id}>
              <td>{migration._id}</td>
              <td>{text.states[migration.status]}</td>
              <td>{project.name}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
