import { useSignal } from '@preact/signals';
import type { ShownSettings } from '../../sync/index.ts';
import { Ask } from '../dialogs/ask.tsx';
import { Panel } from '../panels/panel.tsx';
import { syncText as words } from '../texts/sync.ts';
import { mayChange, start } from './api.ts';

interface StartPanelProps {
  readonly settings: ShownSettings;
  readonly reload: () => Promise<void>;
}

const DIRECTIONS = [
  ['cluster0', 'cluster1'],
  ['cluster1', 'cluster0'],
] as const;

/** Chooses the direction, and starts or resumes the migration. */
export function StartPanel({ settings, reload }: StartPanelProps) {
  const { clusters, dropDestination } = settings;
  const chosen = useSignal(dropDestination === 'cluster0' ? 1 : 0);
  const isReversible = useSignal(settings.reversible);
  const [source, destination] = DIRECTIONS[chosen.value] ?? DIRECTIONS[0];
  const drops = dropDestination === destination;
  if (!mayChange.value) return <Panel title={words.none}> </Panel>;
  return (
    <Panel title={words.none}>
      <label>
        {words.direction}
        <select
          value={chosen.value}
          onChange={(event) => {
            chosen.value = Number(event.currentTarget.value);
          }}
        >
          {DIRECTIONS.map(([from, to], at) => (
            <option key={from} value={at}>
              {words.choice(from, clusters[from], to, clusters[to])}
            </option>
          ))}
        </select>
      </label>
      <label class="tick">
        <input
          type="checkbox"
          checked={isReversible.value}
          onChange={(event) => {
            isReversible.value = event.currentTarget.checked;
          }}
        />
        <span>
          <b>{words.reversible}</b>
          <span class="mute small hint">{words.reversibleWhy}</span>
        </span>
      </label>
      <p class="mute small">{words.resumes}</p>
      <div class="buttons">
        <Ask
          label={words.start}
          {...words.starting(source, destination, drops)}
          isMain
          isDangerous={drops}
          {...(drops ? { typed: destination } : {})}
          onSubmit={() => start({ source, destination, reversible: isReversible.value }).then(reload)}
        />
      </div>
    </Panel>
  );
}
