import { useSignal } from '@preact/signals';
import { type ComponentChildren, isValidElement, type VNode } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Message } from '../message.tsx';
import { messageOf, text } from '../text.ts';

export interface ConfirmDialogProps {
  readonly title: string;
  /** The effect of the action, shown before anything else. */
  readonly effect: ComponentChildren;
  readonly submit: string;
  readonly isDangerous?: boolean;
  /** A name that has to be typed, for actions that can't be undone. */
  readonly typed?: string;
  /** Further fields. The form is given to `onSubmit`. */
  readonly children?: ComponentChildren;
  /** Carries the action out. An element as its result stays in the dialog until the reader closes it, such as a secret that is shown once. */
  readonly onSubmit: (fields: FormData) => Promise<unknown>;
  readonly onClose: () => void;
}

/** Asks before an action: it says the effect first. The browser keeps the focus inside and returns it at the end. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, effect, submit, isDangerous = false, typed, children, onSubmit, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const problem = useSignal<string | undefined>(undefined);
  const busy = useSignal(false);
  const name = useSignal('');
  const result = useSignal<VNode | undefined>(undefined);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);

  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value || (typed !== undefined && name.value !== typed)) return;
    busy.value = true;
    problem.value = undefined;
    try {
      const shown = await onSubmit(new FormData(event.currentTarget as HTMLFormElement));
      if (isValidElement(shown)) result.value = shown;
      else dialog.current?.close();
    } catch (error) {
      problem.value = messageOf(error);
    } finally {
      busy.value = false;
    }
  };

  const close = () => dialog.current?.close();

  if (result.value) {
    return (
      // A secret that is shown once does not vanish by a key that is pressed too often.
      <dialog ref={dialog} aria-labelledby={id} onClose={onClose} onCancel={(event) => event.preventDefault()}>
        <h2 id={id}>{title}</h2>
        {result.value}
        <div class="buttons">
          <button type="button" class="go" ref={focus} onClick={close}>
            {text.dialog.close}
          </button>
        </div>
      </dialog>
    );
  }
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <form onSubmit={send}>
        <h2 id={id}>{title}</h2>
        <div class="effect">{effect}</div>
        {children}
        {typed !== undefined && (
          <label>
            {text.dialog.typeName(typed)}
            <input
              value={name.value}
              onInput={(event) => {
                name.value = event.currentTarget.value;
              }}
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              required
            />
          </label>
        )}
        {problem.value !== undefined && <Message tone="bad">{problem.value}</Message>}
        <div class="buttons">
          <button type="button" onClick={close}>
            {text.dialog.back}
          </button>
          <button
            type="submit"
            class={isDangerous ? 'danger' : 'go'}
            disabled={typed !== undefined && name.value !== typed}
            aria-disabled={busy.value}
          >
            {busy.value ? text.dialog.busy : submit}
          </button>
        </div>
      </form>
    </dialog>
  );
}

const focus = (element: HTMLElement | null) => element?.focus();
