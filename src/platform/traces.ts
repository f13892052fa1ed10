import type { Attributes } from '@opentelemetry/api';
import { version } from './version.ts';

/** Work that has ended, as a trace shows it. */
interface TracedWork {
  readonly name: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Never a secret, a document or an address of a database. */
  readonly attributes: Attributes;
  readonly hasFailed?: boolean;
  /** The headers of the request that it answers; they may name the trace of the caller. */
  readonly answers?: Readonly<Record<string, unknown>>;
}

type Api = typeof import('@opentelemetry/api');

/** An SDK registers itself under this name (source of `@opentelemetry/api`, internal/global-utils). */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

let loading: Promise<Api> | undefined;

/** Hands ended work to the OpenTelemetry SDK of this process. Where there is none, it doesn't even load the API (docs/operate/monitoring.md#traces). */
export function traceWork(work: TracedWork): void {
  if (!(REGISTERED in globalThis)) return;
  loading ??= import('@opentelemetry/api');
  void loading.then((api) => record(api, work));
}

function record({ context, propagation, SpanKind, SpanStatusCode, trace }: Api, work: TracedWork): void {
  const { name, startedAtMs, endedAtMs, attributes, hasFailed, answers } = work;
  const caller = answers === undefined ? context.active() : propagation.extract(context.active(), answers);
  const kind = answers === undefined ? SpanKind.INTERNAL : SpanKind.SERVER;
  const options = { kind, startTime: startedAtMs, attributes };
  const span = trace.getTracer('linkspan', version).startSpan(name, options, caller);
  if (hasFailed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(endedAtMs);
}
