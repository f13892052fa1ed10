import type { InputHTMLAttributes } from 'preact';
import { text } from '../text.ts';

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

/** A field `addresses` for addresses and blocks, separated by commas or spaces. */
export function AddressesField(input: Pick<FieldProps, 'label' | 'hint' | 'required'>) {
  return <Field {...input} name="addresses" pattern="[0-9a-fA-F:.\/,\s]*" expected={text.dialog.addressesExpected} />;
}

/** The text of a field, without spaces around it. */
export function textOf(fields: FormData, name: string): string {
  return String(fields.get(name) ?? '').trim();
}
