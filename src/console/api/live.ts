import { type Signal, signal } from '@preact/signals';
import { readEvents } from '../../contract/index.ts';
import { ApiProblem, CONSOLE_HEADERS, problemOf, send } from './client.ts';
import { noteServerTime } from './clock.ts';
import { unlessSessionEnded } from './session.ts';

/** A resource of the API that stays current. */
export interface Live<Resource> {
  /** Undefined until the first answer. */
  readonly value: Signal<Resource | undefined>;
  /** When the server last said that this is current, by this browser's clock; 0 before. */
  readonly heardAtMs: Signal<number>;
  /** The last problem; undefined once the server has answered again. */
  readonly problem: Signal<unknown>;
  /** Ends the updates. */
  readonly stop: () => void;
}

/** The server says something at least every 10 s; a stream that is silent for longer has lost its connection. */
const SILENT_AFTER_MS = 25_000;
const RETRY_MS = 2000;
/** Between two requests where streams don't pass, such as behind a proxy that collects answers. */
const POLL_EVERY_MS = 3000;
/** A stream that says nothing at all in this time does not pass. */
const FIRST_WORD_MS = 5000;

/**
 * Follows a resource: by a stream of server-sent events, else by asking again and again. A hidden page asks for nothing, because a browser
 * has few connections to a server; a page that is shown again first gets the whole resource.
 * @param path  of a resource whose answer may be a stream (docs/reference/api.md)
 */
export function follow<Resource>(path: string): Live<Resource> {
  const value = signal<Resource | undefined>(undefined);
  const heardAtMs = signal(0);
  const problem = signal<unknown>(undefined);
  const stopped = new AbortController();
  let lastId = '';

  const heard = () => {
    heardAtMs.value = Date.now();
    problem.value = undefined;
  };

  const stream = async (leave: AbortController) => {
    let silence = setTimeout(() => leave.abort(), FIRST_WORD_MS);
    const headers = { ...CONSOLE_HEADERS, accept: 'text/event-stream', ...(lastId && { 'last-event-id': lastId }) };
    let hasSpoken = false;
    try {
      const answer = await fetch(path, { headers, cache: 'no-store', redirect: 'error', signal: leave.signal });
      if (!answer.ok || !answer.body) throw await problemOf(answer);
      noteServerTime(answer);
      for await (const part of readEvents(answer.body)) {
        hasSpoken = true;
        clearTimeout(silence);
        silence = setTimeout(() => leave.abort(), SILENT_AFTER_MS);
        if (part.kind === 'event' && part.name === 'end') throw endOf(part.data);
        if (part.kind === 'event') {
          value.value = JSON.parse(part.data);
          lastId = part.id;
        }
        heard();
      }
    } finally {
      clearTimeout(silence);
    }
    return hasSpoken;
  };

  const ask = async (signal: AbortSignal) => {
    value.value = await send<Resource>('GET', path, { signal });
    heard();
  };

  const run = async () => {
    let streams = true;
    while (!stopped.signal.aborted) {
      await untilShown(stopped.signal);
      if (stopped.signal.aborted) return;
      const leave = new AbortController();
      const onHidden = () => document.hidden && leave.abort();
      const onStop = () => leave.abort();
      document.addEventListener('visibilitychange', onHidden);
      stopped.signal.addEventListener('abort', onStop);
      try {
        if (streams) streams = await stream(leave);
        else await ask(leave.signal);
      } catch (error) {
        if (stopped.signal.aborted || unlessSessionEnded(error) === undefined) return;
        // Too many streams, or a proxy that passes none: asking still works.
        const isLocal = !(error instanceof ApiProblem) && heardAtMs.value === 0;
        if (streams && (isLocal || (error instanceof ApiProblem && error.status === 429))) streams = false;
        else problem.value = error;
      } finally {
        document.removeEventListener('visibilitychange', onHidden);
        stopped.signal.removeEventListener('abort', onStop);
      }
      if (!document.hidden) await pause(streams ? RETRY_MS : POLL_EVERY_MS, stopped.signal);
    }
  };
  void run();
  return { value, heardAtMs, problem, stop: () => stopped.abort() };
}

function endOf(data: string): ApiProblem {
  const { errorCode, detail }: { errorCode: string; detail: string } = JSON.parse(data);
  return new ApiProblem(401, errorCode, detail);
}

async function untilShown(signal: AbortSignal): Promise<void> {
  if (!document.hidden || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const onChange = () => !document.hidden && resolve();
  document.addEventListener('visibilitychange', onChange);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  document.removeEventListener('visibilitychange', onChange);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(timer);
      resolve();
    },
    { once: true },
  );
  return promise;
}
