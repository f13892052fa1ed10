import { Counter, collectDefaultMetrics, Gauge, Registry, type RegistryContentType } from 'prom-client';
import { METRICS, type MetricName } from './catalogue.ts';
import { ProcessCounters } from './process-counters.ts';
import type { Sample } from './sample.ts';

export type Format = 'prometheus' | 'openmetrics';

const CONTENT_TYPES: Readonly<Record<Format, RegistryContentType>> = {
  prometheus: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
};

/** Renders samples, and the metrics of the process, for a scrape. The only module that knows prom-client. */
export class MetricsRegistry {
  readonly #counters = new ProcessCounters();
  /** One for each format, because prom-client renames its counters permanently when it renders OpenMetrics. */
  readonly #processes = new Map<Format, Registry<RegistryContentType>>();

  /** Returns the text of a scrape. Samples that aren't finite numbers are left out: unknown is not 0. */
  async render(
    all: readonly Sample[],
    format: Format,
  ): Promise<{ readonly contentType: string; readonly text: string }> {
    const samples = all.filter(({ value }) => Number.isFinite(value));
    const totals = this.#counters.advance(
      new Map(samples.filter(isCounter).map((sample) => [keyOf(sample), { from: 0, ...sample }])),
    );
    // A new registry for each scrape: no series outlives its subject, and scrapes don't see parts of each other.
    const registry = registryFor(format);
    const registers = [registry];
    const gauges = new Map<MetricName, Gauge>();
    const counters = new Map<MetricName, Counter>();
    for (const sample of samples) {
      const { name, labels, value } = sample;
      const { labels: labelNames, help } = METRICS[name];
      if (isCounter(sample)) {
        const counter = counters.get(name) ?? new Counter({ name, help, labelNames, registers });
        counters.set(name, counter);
        counter.inc(labels, totals.get(keyOf(sample)) ?? 0);
      } else {
        const gauge = gauges.get(name) ?? new Gauge({ name, help, labelNames, registers });
        gauges.set(name, gauge);
        gauge.set(labels, value);
      }
    }
    const text = await Registry.merge([registry, this.#processOf(format)] as never).metrics();
    return { contentType: CONTENT_TYPES[format], text };
  }

  #processOf(format: Format): Registry<RegistryContentType> {
    const known = this.#processes.get(format);
    if (known) return known;
    const register = registryFor(format);
    collectDefaultMetrics({ register: register as Registry });
    this.#processes.set(format, register);
    return register;
  }
}

function registryFor(format: Format): Registry<RegistryContentType> {
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(CONTENT_TYPES[format]);
  return registry;
}

function isCounter({ name }: Sample): boolean {
  return METRICS[name].type === 'counter';
}

function keyOf({ name, labels }: Sample): string {
  return JSON.stringify([name, labels]);
}
