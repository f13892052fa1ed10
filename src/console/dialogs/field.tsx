import type { InputHTMLAttributes } from 'preact';

/** The pattern of addresses and blocks, separated by commas or spaces. */
export const ADDRESSES = '[0-9a-fA-F:.\\/,\\s]*';

type FieldProps = InputHTMLAttributes<HTMLInputElement> & {
  readonly label: string;
  readonly name: string;
  /** The accepted input, and its meaning. */
  readonly hint?: string;
  /** What the browser says beside a field that doesn't match its `pattern`. */
  readonly expected?: string;
};

/** A field of a form. Browsers don't complete or correct it, because it holds names and secrets of servers. */
export function Field({ label, hint, expected = '', onInput, ...input }: FieldProps) {
  return (
    <label>
      {label}
      {hint !== undefined && <span class="mute small hint">{hint}</span>}
      <input
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        {...input}
        onInput={(event) => {
          event.currentTarget.setCustomValidity('');
          onInput?.(event);
        }}
        onInvalid={({ currentTarget }) => {
          if (currentTarget.validity.patternMismatch) currentTarget.setCustomValidity(expected);
        }}
      />
    </label>
  );
}

/** The text of a field, without spaces around it. */
export function textOf(fields: FormData, name: string): string {
  return String(fields.get(name) ?? '').trim();
}
