import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { now } from '../api/clock.ts';
import { type ListedMigration, listMigrations } from '../api/migrations.ts';
import { unlessSessionEnded } from '../api/session.ts';
import { duration } from '../format.ts';
import { Icon } from '../icon.tsx';
import { Message } from '../message.tsx';
import { etaOf, reasonOf } from '../panels/headline.ts';
import { nameOf, shownStateOf } from '../panels/shown-state.ts';
import { migrationHref } from '../router.ts';
import { messageOf, text } from '../text.ts';
import { Time } from '../time.tsx';

const EVERY_MS = 5000;

/** Lists the migrations of all projects that the session sees. */
export function HomePage() {
  const listed = useSignal<readonly ListedMigration[] | undefined>(undefined);
  const heardAtMs = useSignal(0);
  const problem = useSignal<string | undefined>(undefined);
  useEffect(() => {
    document.title = text.product;
    const left = new AbortController();
    const read = async () => {
      if (document.hidden) return;
      try {
        listed.value = await listMigrations(left.signal);
        heardAtMs.value = Date.now();
        problem.value = undefined;
      } catch (error) {
        const other = left.signal.aborted ? undefined : unlessSessionEnded(error);
        if (other !== undefined) problem.value = messageOf(other);
      }
    };
    void read();
    const timer = setInterval(() => void read(), EVERY_MS);
    document.addEventListener('visibilitychange', read);
    return () => {
      document.removeEventListener('visibilitychange', read);
      clearInterval(timer);
      left.abort();
    };
  }, []);
  const silentSeconds = Math.max(0, now.value - heardAtMs.value) / 1000;
  return (
    <>
      <div class="head">
        <h1>{text.home.title}</h1>
        {listed.value !== undefined && <span class="fresh">{text.updated(duration(silentSeconds))}</span>}
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
    <ul class="cards">
      {listed.map(({ project, migration }) => (
        <Card key={migration._id} project={project.name} groupId={project.id} migration={migration} />
      ))}
    </ul>
  );
}

interface CardProps {
  readonly project: string;
  readonly groupId: string;
  readonly migration: ListedMigration['migration'];
}

function Card({ project, groupId, migration }: CardProps) {
  const { word, icon, tone } = shownStateOf(migration);
  const { createdAt, endedAt } = migration.linkspan;
  const { lagTimeSeconds: lag } = migration;
  const eta = etaOf(migration);
  const words = text.home;
  return (
    <li class="card">
      <div>
        <span class={`word ${tone}`}>
          <Icon name={icon} tone={tone} />
          {word}
        </span>
        <h2>
          <a href={migrationHref(groupId, migration._id)}>{nameOf(migration)}</a>
        </h2>
        <p class="small mute">{project}</p>
      </div>
      <p class="reason">{reasonOf(migration)}</p>
      <dl>
        {lag != null && (
          <div>
            <dt>{words.lag}</dt>
            <dd>{duration(lag)}</dd>
          </div>
        )}
        {eta !== null && (
          <div>
            <dt>{words.eta}</dt>
            <dd>{duration(eta)}</dd>
          </div>
        )}
        <div>
          <dt>{endedAt === null ? words.started : words.ended}</dt>
          <dd>
            <Time iso={endedAt ?? createdAt} />
          </dd>
        </div>
      </dl>
    </li>
  );
}
