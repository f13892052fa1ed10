import { shownBytes } from '../../contract/index.ts';
import type { LiveMigration } from '../api/types.ts';
import { count, duration, sentence } from '../format.ts';
import { Icon } from '../icon.tsx';
import type { IconName } from '../icon-shapes.ts';
import { migrationText } from '../texts/migration.ts';
import { WithCode } from '../with-code.tsx';
import { Panel } from './panel.tsx';

type Gate = LiveMigration['linkspan']['readiness'][number];

const LOOKS: Readonly<Record<Gate['state'], readonly [IconName, string]>> = {
  PASSED: ['done', 'ok'],
  WAITING: ['waiting', 'warn'],
  BLOCKED: ['warning', 'bad'],
  UNKNOWN: ['unknown', 'warn'],
  SKIPPED: ['skipped', 'mute'],
};

/** Everything that a cutover depends on. Gates that are not passed come first, with their reasons and remedies. */
export function Checklist({ gates }: { readonly gates: readonly Gate[] }) {
  const isLost = gates.some(({ name, state }) => name === 'AGENT' && state !== 'PASSED');
  // Without its agent, every other gate is unknown for the same reason.
  const silent = isLost ? gates.filter(({ state }) => state === 'UNKNOWN') : [];
  const open = gates.filter((gate) => isOpen(gate) && !silent.includes(gate));
  const passed = gates.filter(({ state }) => state === 'PASSED');
  const skipped = gates.filter(({ state }) => state === 'SKIPPED');
  const note = migrationText.checklist.note(passed.length, gates.length - skipped.length);
  return (
    <Panel title={migrationText.checklist.title} note={note}>
      <Gates gates={open} />
      <ShortGates gates={passed} />
      {silent.length > 0 && <p class="small mute">{migrationText.checklist.silent(silent.length)}</p>}
      <ShortGates gates={silent} />
      {skipped.length > 0 && (
        <details class="small">
          <summary>{migrationText.checklist.skipped(skipped.length)}</summary>
          <Gates gates={skipped} />
        </details>
      )}
    </Panel>
  );
}

/** Gates without their reasons, for those that say nothing new. */
function ShortGates({ gates }: { readonly gates: readonly Gate[] }) {
  return (
    <ul class="gates passed">
      {gates.map((gate) => (
        <li key={gate.name}>
          <Mark gate={gate} />
          <span>
            {gate.title} <em>{gate.state === 'PASSED' ? figureOf(gate) : ''}</em>
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Gates with their reasons. */
export function Gates({ gates }: { readonly gates: readonly Gate[] }) {
  if (gates.length === 0) return null;
  return (
    <ul class="gates">
      {gates.map((gate) => (
        <li key={gate.name}>
          <Mark gate={gate} />
          <span>
            {gate.title}
            {!gate.refuses && isOpen(gate) && <span class="mute"> · {migrationText.checklist.advice}</span>}
          </span>
          <em>{[figureOf(gate), etaOf(gate)].filter((part) => part !== '').join(', ')}</em>
          <div>
            {gate.reasons.length > 0 && <p>{sentence(gate.reasons.join('; '))}</p>}
            {isOpen(gate) && gate.action !== '' && (
              <p class="todo">
                <WithCode content={gate.action} />
              </p>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Whether a gate says anything that an operator should read. */
export function isOpen({ state }: Gate): boolean {
  return state !== 'PASSED' && state !== 'SKIPPED';
}

function Mark({ gate: { state } }: { readonly gate: Gate }) {
  const [icon, tone] = LOOKS[state];
  return (
    <span class={`mark ${tone}`} title={migrationText.gateStates[state]}>
      <Icon name={icon} tone={tone} />
      <span class="unseen">{migrationText.gateStates[state]}: </span>
    </span>
  );
}

function figureOf({ value, limit, unit }: Gate): string {
  if (value === null || unit === null) return '';
  switch (unit) {
    case 'seconds':
      return limit === null ? duration(value) : migrationText.checklist.atMost(duration(value), duration(limit));
    case 'bytes':
      return shownBytes(value);
    case 'collections':
    case 'indexes':
      return limit === null || limit === 0
        ? `${count(value)} ${unit}`
        : migrationText.checklist.of(count(value), count(limit), unit);
    case '% free':
      return migrationText.checklist.atLeast(`${value} %`, limit === null ? '' : `${limit} %`);
    default:
      return value === 0 ? '' : `${count(value)} ${value === 1 ? unit.replace(/s$/, '') : unit}`;
  }
}

function etaOf({ etaSeconds, state }: Gate): string {
  return etaSeconds === null || state === 'PASSED' ? '' : migrationText.checklist.about(duration(etaSeconds));
}
