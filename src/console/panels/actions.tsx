import { useSignal } from '@preact/signals';
import type { Action, Steering } from '../api/steering.ts';
import type { LiveMigration } from '../api/types.ts';
import { ConfirmDialog } from '../dialogs/confirm-dialog.tsx';
import { CutoverDialog } from '../dialogs/cutover-dialog.tsx';
import { Message } from '../message.tsx';
import { messageOf } from '../text.ts';
import { migrationText } from '../texts/migration.ts';
import { gateOf } from './shown-stage.ts';

type Asked =
  | 'cutover'
  | 'cancel'
  | 'move'
  | 'cutoverWindow'
  | 'confirmDrops'
  | 'reverse'
  | 'finish'
  | 'rehearseCutover';

interface ActionsProps {
  readonly migration: LiveMigration;
  readonly steering: Steering;
}

/** The actions that are possible now. A session without the role sees no buttons. */
export function Actions({ migration, steering }: ActionsProps) {
  const asked = useSignal<Asked | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const { can } = steering;
  const { status, readyForCutover, linkspan } = migration;
  const { wanted, failback, cutoverWindowEndsAt } = linkspan;
  const words = migrationText.actions;
  const isActive = (status === 'NEW' || status === 'WORKING') && (wanted === 'RUNNING' || wanted === 'PAUSED');
  const isMovable = linkspan.standbyHosts?.some((standby) => standby.status === 'READY') ?? false;
  const isBack = status === 'COMPLETE' && linkspan.endedAt === null && failback !== undefined;

  const at = (action: Action) => async () => {
    problem.value = undefined;
    await steering.act(action).catch((error) => {
      problem.value = messageOf(error);
    });
  };
  const ask = (what: Asked) => () => {
    asked.value = what;
  };
  return (
    <div class="actions">
      {isActive && wanted === 'RUNNING' && can('pause') && (
        <button type="button" onClick={at('pause')}>
          {words.pause}
        </button>
      )}
      {isActive && wanted === 'PAUSED' && can('resume') && (
        <button type="button" class="go" onClick={at('resume')}>
          {words.resume}
        </button>
      )}
      {isActive && cutoverWindowEndsAt !== null && can('cutoverWindow') && (
        <button type="button" onClick={ask('cutoverWindow')}>
          {words.extend}
        </button>
      )}
      {(isActive || isBack) && isMovable && can('move') && (
        <button type="button" onClick={ask('move')}>
          {words.move}
        </button>
      )}
      {isActive && can('cancel') && (
        <button type="button" onClick={ask('cancel')}>
          {words.cancel}
        </button>
      )}
      {isActive && gateOf(migration, 'DROPS')?.state === 'BLOCKED' && can('confirmDrops') && (
        <button type="button" class="danger" onClick={ask('confirmDrops')}>
          {words.confirmDrops}
        </button>
      )}
      {isActive && readyForCutover && can('rehearseCutover') && (
        <button type="button" onClick={ask('rehearseCutover')}>
          {words.rehearse}
        </button>
      )}
      {isActive && wanted === 'RUNNING' && can('cutover') && (
        <button type="button" class="go" disabled={!readyForCutover} onClick={ask('cutover')}>
          {words.cutOver}
        </button>
      )}
      {isBack && can('reverse') && (
        <>
          <button type="button" onClick={ask('finish')}>
            {words.finish}
          </button>
          <button type="button" disabled={failback.state !== 'FOLLOWING'} onClick={ask('reverse')}>
            {words.reverse}
          </button>
        </>
      )}
      {problem.value !== undefined && <Message tone="bad">{problem.value}</Message>}
      {asked.value !== undefined && (
        <AskedDialog
          asked={asked.value}
          migration={migration}
          steering={steering}
          onClose={() => {
            asked.value = undefined;
          }}
        />
      )}
    </div>
  );
}

function AskedDialog({ asked, ...props }: ActionsProps & { readonly asked: Asked; readonly onClose: () => void }) {
  const { migration, steering, onClose } = props;
  const { source, destination, standbyHosts = [] } = migration.linkspan;
  const words = migrationText.dialogs;
  const common = { onClose, onSubmit: () => steering.act(asked) } as const;
  switch (asked) {
    case 'cutover':
      return <CutoverDialog {...props} />;
    case 'rehearseCutover':
      return <ConfirmDialog {...common} {...words.rehearse} />;
    case 'confirmDrops':
      return <ConfirmDialog {...common} {...words.confirmDrops} isDangerous typed={destination.clusterName} />;
    case 'reverse':
      return <ConfirmDialog {...common} {...words.reverse} />;
    case 'finish':
      return <ConfirmDialog {...common} {...words.finish} isDangerous typed={source.clusterName} />;
    case 'move':
      return (
        <ConfirmDialog
          {...words.move}
          onClose={onClose}
          onSubmit={(fields) => steering.act(asked, { migrationHost: fields.get('host') })}
        >
          <label>
            {words.move.host}
            <select name="host">
              {standbyHosts.map(({ host, status }) => status === 'READY' && <option key={host}>{host}</option>)}
            </select>
          </label>
        </ConfirmDialog>
      );
    case 'cutoverWindow':
      return (
        <ConfirmDialog
          {...words.extend}
          onClose={onClose}
          onSubmit={(fields) => steering.act(asked, { hours: Number(fields.get('hours')) })}
        >
          <label>
            {words.extend.hours}
            <input name="hours" type="number" min="1" max="720" defaultValue="48" required />
          </label>
        </ConfirmDialog>
      );
    case 'cancel':
      return (
        <ConfirmDialog
          {...words.cancel}
          isDangerous
          typed={destination.clusterName}
          onClose={onClose}
          onSubmit={(fields) => steering.act(asked, { dropCopiedData: fields.get('drop') !== null })}
        >
          <label class="tick">
            <input name="drop" type="checkbox" /> {words.cancel.drop(destination.clusterName)}
          </label>
        </ConfirmDialog>
      );
  }
}
