import { CopyButton } from '../copy-button.tsx';
import { Message } from '../message.tsx';
import { text } from '../text.ts';

interface SecretProps {
  /** Names and contents; the last one is the secret. */
  readonly parts: readonly (readonly [name: string, content: string])[];
}

/** Secrets that the server shows once, each part with a button to copy it. */
export function Secret({ parts }: SecretProps) {
  return (
    <>
      <Message tone="warn">{text.dialog.once}</Message>
      {parts.map(([name, content]) => (
        <div key={name} class="secret">
          <b>{name}</b>
          <CopyButton content={content} />
          <code>{content}</code>
        </div>
      ))}
    </>
  );
}
