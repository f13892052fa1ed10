import type { InputHTMLAttributes } from 'preact';

type FieldProps = InputHTMLAttributes<HTMLInputElement> & {
  readonly label: string;
  readonly name: string;
  /** The accepted input, and its meaning. */
  readonly hint?: string;
};

/** A field of a form. Browsers don't complete or correct it, because it holds names and secrets of servers. */
export function Field({ label, hint, ...input }: FieldProps) {
  return (
    <label>
      {label}
      {hint !== undefined && <span class="mute small hint">{hint}</span>}
      <input autocomplete="off" autocapitalize="none" spellcheck={false} {...input} />
    </label>
  );
}

/** The text of a field, without spaces around it. */
export function textOf(fields: FormData, name: string): string {
  return String(fields.get(name) ?? '').trim();
}
