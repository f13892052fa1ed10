import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

interface MessageProps {
  readonly tone: 'calm' | 'warn' | 'bad';
  readonly children: ComponentChildren;
}

/** A message beside an icon. Only a failure interrupts a screen reader. */
export function Message({ tone, children }: MessageProps) {
  return (
    <div class={`message ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon name={tone === 'calm' ? 'ready' : 'warning'} tone={tone === 'calm' ? 'live' : tone} />
      <div>{children}</div>
    </div>
  );
}
