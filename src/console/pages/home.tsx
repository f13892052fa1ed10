import { type ListedMigration, useMigrations } from '../api/migrations.ts';
import { duration } from '../format.ts';
import { Icon } from '../icon.tsx';
import { PolledPage } from '../page.tsx';
import { etaOf, reasonOf } from '../panels/headline.ts';
import { labelTexts, nameOf, shownStageOf } from '../panels/shown-stage.ts';
import { migrationHref } from '../router.ts';
import { text } from '../text.ts';
import { Time } from '../time.tsx';
import { WithCode } from '../with-code.tsx';
import { Guide } from './guide.tsx';

/** Lists the migrations of all projects that the session sees. */
export function HomePage() {
  return (
    <PolledPage title={text.pages.home} polled={useMigrations()}>
      {(listed) => <Migrations listed={listed} />}
    </PolledPage>
  );
}

function Migrations({ listed }: { readonly listed: readonly ListedMigration[] }) {
  if (listed.length === 0) return <Guide />;
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
  const { word, icon, tone } = shownStageOf(migration);
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
        <p class="small mute">{[project, ...labelTexts(migration)].join(' · ')}</p>
      </div>
      <p class="reason">
        <WithCode content={reasonOf(migration)} />
      </p>
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
