import { useSignal } from '@preact/signals';
import { openWindow, windowText, wireRatio } from '../../contract/index.ts';
import type { Action, Steering } from '../api/steering.ts';
import type { LiveMigration } from '../api/types.ts';
import { duration } from '../format.ts';
import { Message } from '../message.tsx';
import { messageOf } from '../text.ts';
import { migrationText } from '../texts/migration.ts';
import { Bar, Fact, Facts, Panel } from './panel.tsx';

/** How long the source's oplog still has all changes that the migration needs. */
export function OplogPanel({ migration }: { readonly migration: LiveMigration }) {
  const { oplog, shards } = migration.linkspan.progress ?? {};
  const words = migrationText.oplog;
  return (
    <Panel title={words.title} note={oplog ? words.note(oplog.headroomPercent) : ''} columns={4}>
      {oplog ? (
        <>
          <Bar share={oplog.headroomPercent} />
          <Facts>
            <Fact name={words.covers}>{duration(oplog.windowSeconds)}</Fact>
            <Fact name={words.left}>{duration(oplog.leftSeconds)}</Fact>
            {oplog.shard !== undefined && <Fact name={words.shard}>{oplog.shard}</Fact>}
          </Facts>
          <p class="small mute">{words.meaning}</p>
        </>
      ) : (
        <p class="mute">{shards?.some(({ whyUnknown }) => whyUnknown !== null) ? words.unseen : words.unknown}</p>
      )}
    </Panel>
  );
}

/** The work that the load level and the rate limit hold back at present, in words. */
function heldBack({ linkspan: { progress } }: LiveMigration): string {
  const { effects } = migrationText.load;
  const { state, verification } = progress ?? {};
  if (state !== 'FOLLOWING' && state !== 'COMMITTING') return effects.copy;
  return verification?.phase === 'COMPARING' ? effects.comparison : effects.again;
}

/** The load that the migration may cause on both sides, and how long they take to answer. */
export function LoadPanel({ migration, steering }: { readonly migration: LiveMigration; readonly steering: Steering }) {
  const { loadLevel, maxMegabytesPerSecond, loadWindows, progress } = migration.linkspan;
  const problem = useSignal<string | undefined>(undefined);
  const words = migrationText.load;
  const change = async (what: Action, body: object) => {
    problem.value = undefined;
    await steering.act(what, body).catch((error) => {
      problem.value = messageOf(error);
    });
  };
  const setRate = async (event: SubmitEvent) => {
    event.preventDefault();
    const typed = new FormData(event.currentTarget as HTMLFormElement).get('rate');
    const megabytes = Number(typed);
    await change('copyRate', { maxMegabytesPerSecond: megabytes > 0 ? megabytes : null });
  };
  const { source, destination } = progress?.pingMs ?? {};
  const compression = progress?.compression;
  const secondary = progress?.secondary;
  const open = openWindow(loadWindows, Date.now());
  return (
    <Panel title={words.title} note={words.note(loadLevel)} columns={4}>
      {steering.can('loadLevel') ? (
        <>
          <label class="range">
            {words.level}
            <input
              type="range"
              min="1"
              max="4"
              step="1"
              value={loadLevel}
              aria-valuetext={words.levels[loadLevel]}
              onChange={(event) => void change('loadLevel', { loadLevel: Number(event.currentTarget.value) })}
            />
            <span class="mute small">{words.levels[loadLevel]}</span>
          </label>
          <form class="inline" onSubmit={setRate}>
            <label>
              {words.rate} <span class="mute">{words.rateUnit}</span>
              <input
                name="rate"
                type="number"
                min="0"
                step="any"
                value={maxMegabytesPerSecond ?? ''}
                placeholder={words.none}
              />
            </label>
            <button type="submit">{words.set}</button>
          </form>
        </>
      ) : (
        <p class="small mute">{words.levels[loadLevel]}</p>
      )}
      <p class="small mute">{heldBack(migration)}</p>
      {loadWindows.map((window) => (
        <p class="small" key={windowText(window)}>
          {window === open ? words.openWindow : words.window} {windowText(window)}
        </p>
      ))}
      {problem.value !== undefined && <Message tone="bad">{problem.value}</Message>}
      <Facts>
        <Fact name={words.sourcePing}>{pingText(source)}</Fact>
        <Fact name={words.destinationPing}>{pingText(destination)}</Fact>
        {compression && <Fact name={words.wire}>{wireRatio(compression)}</Fact>}
        {secondary !== undefined && <Fact name={words.secondary}>{secondary}</Fact>}
      </Facts>
    </Panel>
  );
}

/** The time of a round trip; a dash while it is unknown. */
export function pingText(ms: number | null | undefined): string {
  return ms == null ? '–' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
