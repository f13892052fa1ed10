import { now, serverTime } from '../api/clock.ts';
import type { LiveMigration } from '../api/types.ts';
import { count, duration } from '../format.ts';
import { Icon } from '../icon.tsx';
import { migrationText } from '../texts/migration.ts';
import { Time } from '../time.tsx';
import { Fact, Facts, Panel } from './panel.tsx';

/** Whether an agent or a process works on the migration, and where. */
export function AgentPanel({ migration }: { readonly migration: LiveMigration }) {
  const { agent, progress, standbyHosts = [], takenOver, movingTo } = migration.linkspan;
  const words = migrationText.agent;
  const isHeard = agent?.status === 'CONNECTED';
  const resumed = progress?.resumedFrom;
  return (
    <Panel title={agent === null ? words.process : words.title} note={migration.migrationHosts.join(', ')}>
      {agent !== null && (
        <p class="verdict">
          <Icon name={isHeard ? 'done' : 'warning'} tone={isHeard ? 'ok' : 'bad'} />
          {isHeard ? words.connected : agent.status === 'RESUMING' ? words.resuming : words.lost}
        </p>
      )}
      <Facts>
        {agent?.lastSeen != null && (
          <Fact name={words.heard}>
            {words.ago(duration((serverTime(now.value) - Date.parse(agent.lastSeen)) / 1000))}
          </Fact>
        )}
        <Fact name={words.engine}>{progress ? words.phases[progress.state] : words.none}</Fact>
        {takenOver && (
          <Fact name={words.takenOver(takenOver.fromHost)}>
            <Time iso={takenOver.at} />
          </Fact>
        )}
        {movingTo !== undefined && <Fact name={words.movingTo}>{movingTo}</Fact>}
        {standbyHosts.map(({ host, status, reason }) => (
          <Fact key={host} name={words.standby(host)}>
            {reason ?? words.standbys[status]}
          </Fact>
        ))}
        {resumed && (
          <Fact name={words.resumed}>
            {resumed.savedAt !== null && <Time iso={resumed.savedAt} />}{' '}
            {words.resumedAt(count(resumed.documentsCopied))}
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}
