import { useSignal } from '@preact/signals';
import { type Action, act } from '../api/actions.ts';
import { mayAct } from '../api/session.ts';
import type { LiveMigration } from '../api/types.ts';
import { ConfirmDialog } from '../dialogs/confirm-dialog.tsx';
import { CutoverDialog } from '../dialogs/cutover-dialog.tsx';
import { Message } from '../message.tsx';
import { messageOf, text } from '../text.ts';
import { gateOf } from './shown-state.ts';

type Asked = 'cutover' | 'cancel' | 'cutoverWindow' | 'confirmDrops' | 'reverse' | 'finish' | 'rehearseCutover';

interface ActionsProps {
  readonly migration: LiveMigration;
  /** The migration's path in the API. */
  readonly path: string;
}

/** The actions that are possible now. A session without the role sees no buttons. */
export function Actions({ migration, path }: ActionsProps) {
  const asked = useSignal<Asked | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  if (!mayAct()) return null;
  const { status, readyForCutover, linkspan } = migration;
  const { wanted, wayBack, cutoverWindowEndsAt } = linkspan;
  const words = text.actions;
  const isActive = (status === 'NEW' || status === 'WORKING') && (wanted === 'running' || wanted === 'paused');
  const isBack = status === 'COMPLETE' && linkspan.endedAt === null && wayBack !== undefined;

  const at = (action: Action) => async () => {
    problem.value = undefined;
    await act(path, action).catch((error) => {
      problem.value = messageOf(error);
    });
  };
  const ask = (what: Asked) => () => {
    asked.value = what;
  };
  return (
    <div class="actions">
      {isActive && wanted === 'running' && (
        <button type="button" onClick={at('pause')}>
          {words.pause}
        </button>
      )}
      {isActive && wanted === 'paused' && (
        <button type="button" class="go" onClick={at('resume')}>
          {words.resume}
        </button>
      )}
      {isActive && cutoverWindowEndsAt !== null && (
        <button type="button" onClick={ask('cutoverWindow')}>
          {words.extend}
        </button>
      )}
      {isActive && (
        <button type="button" onClick={ask('cancel')}>
          {words.cancel}
        </button>
      )}
      {isActive && gateOf(migration, 'drops')?.state === 'blocked' && (
        <button type="button" class="danger" onClick={ask('confirmDrops')}>
          {words.confirmDrops}
        </button>
      )}
      {isActive && readyForCutover && (
        <button type="button" onClick={ask('rehearseCutover')}>
          {words.rehearse}
        </button>
      )}
      {isActive && wanted === 'running' && (
        <button type="button" class="go" disabled={!readyForCutover} onClick={ask('cutover')}>
          {words.cutOver}
        </button>
      )}
      {isBack && (
        <>
          <button type="button" onClick={ask('finish')}>
            {words.finish}
          </button>
          <button type="button" disabled={wayBack.state !== 'following'} onClick={ask('reverse')}>
            {words.reverse}
          </button>
        </>
      )}
      {problem.value !== undefined && <Message tone="bad">{problem.value}</Message>}
      {asked.value !== undefined && (
        <AskedDialog
          asked={asked.value}
          migration={migration}
          path={path}
          onClose={() => {
            asked.value = undefined;
          }}
        />
      )}
    </div>
  );
}

function AskedDialog({ asked, ...props }: ActionsProps & { readonly asked: Asked; readonly onClose: () => void }) {
  const { migration, path, onClose } = props;
  const { source, destination } = migration.linkspan;
  const words = text.dialogs;
  const common = { onClose, onSubmit: () => act(path, asked) } as const;
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
    case 'cutoverWindow':
      return (
        <ConfirmDialog
          {...words.extend}
          onClose={onClose}
          onSubmit={(fields) => act(path, asked, { hours: Number(fields.get('hours')) })}
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
          onSubmit={(fields) => act(path, asked, { dropCopiedData: fields.get('drop') !== null })}
        >
          <label class="tick">
            <input name="drop" type="checkbox" /> {words.cancel.drop(destination.clusterName)}
          </label>
        </ConfirmDialog>
      );
  }
}
