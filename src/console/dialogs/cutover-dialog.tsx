import type { Steering } from '../api/steering.ts';
import type { LiveMigration } from '../api/types.ts';
import { Message } from '../message.tsx';
import { Gates, isOpen } from '../panels/checklist.tsx';
import { directionOf } from '../panels/shown-stage.ts';
import { migrationText } from '../texts/migration.ts';
import { WithCode } from '../with-code.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';

interface CutoverDialogProps {
  readonly migration: LiveMigration;
  readonly steering: Steering;
  readonly onClose: () => void;
}

/** The cutover in three steps: review what is open, confirm that applications are ready, type the destination's name. */
export function CutoverDialog({ migration, steering, onClose }: CutoverDialogProps) {
  const { readiness, findings } = migration.linkspan;
  const { from, to } = directionOf(migration);
  const words = migrationText.cutover;
  const advice = readiness.filter(isOpen);
  const concerns = findings.filter(({ concerns: what }) => what === 'CUTOVER');
  return (
    <ConfirmDialog
      title={words.title(from, to)}
      effect={<p>{words.effect(from, to)}</p>}
      submit={words.submit}
      typed={to}
      onSubmit={() => steering.act('cutover')}
      onClose={onClose}
    >
      <h3>{words.review}</h3>
      {advice.length === 0 && concerns.length === 0 && <Message tone="calm">{words.allPassed}</Message>}
      <Gates gates={advice} />
      {concerns.map(({ code, namespace, message, remedy }) => (
        <Message key={`${code} ${namespace}`} tone="warn">
          <WithCode content={`${message} ${remedy}`} />
        </Message>
      ))}
      <h3>{words.applications}</h3>
      <label class="tick">
        <input type="checkbox" required /> {words.ready(to)}
      </label>
      <h3>{words.confirm}</h3>
    </ConfirmDialog>
  );
}
