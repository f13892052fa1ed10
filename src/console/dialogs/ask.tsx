import { useSignal } from '@preact/signals';
import { ConfirmDialog, type ConfirmDialogProps } from './confirm-dialog.tsx';

interface AskProps extends Omit<ConfirmDialogProps, 'onClose'> {
  /** The text of the button that opens the dialog. */
  readonly label: string;
  readonly isMain?: boolean;
}

/** A button that opens the dialog of its action. */
export function Ask({ label, isMain = false, ...dialog }: AskProps) {
  const isOpen = useSignal(false);
  const set = (value: boolean) => () => {
    isOpen.value = value;
  };
  return (
    <>
      <button type="button" class={isMain ? 'go' : 'quiet'} onClick={set(true)}>
        {label}
      </button>
      {isOpen.value && <ConfirmDialog {...dialog} onClose={set(false)} />}
    </>
  );
}
