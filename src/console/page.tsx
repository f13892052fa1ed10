import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { now } from './api/clock.ts';
import type { Polled } from './api/polled.ts';
import { duration } from './format.ts';
import { Message } from './message.tsx';
import { text } from './text.ts';

interface PageProps<Value> {
  readonly title: string;
  readonly polled: Polled<Value>;
  /** Buttons beside the title. */
  readonly actions?: ComponentChildren;
  readonly children: (value: Value) => ComponentChildren;
}

/** A page about something that is polled: its title, how old it is, and a problem in words. */
export function PolledPage<Value>({ title, polled, actions, children }: PageProps<Value>) {
  const { value, heardAtMs, problem } = polled;
  useEffect(() => {
    document.title = `${title} · ${text.product}`;
  }, [title]);
  const silentSeconds = Math.max(0, now.value - heardAtMs.value) / 1000;
  return (
    <>
      <div class="head">
        <h1>{title}</h1>
        <div class="aside">
          <div class="actions">{actions}</div>
          {value.value !== undefined && <span class="fresh">{text.updated(duration(silentSeconds))}</span>}
        </div>
      </div>
      {problem.value !== undefined && <Message tone="bad">{problem.value}</Message>}
      {value.value !== undefined && children(value.value)}
      {value.value === undefined && problem.value === undefined && <p class="mute">{text.loading}</p>}
    </>
  );
}
