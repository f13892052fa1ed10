export { type Measured, openMetrics } from './listener.ts';
export { engineSamples, lastingSamples, type MeasuredFailback, migrationSamples } from './migration-samples.ts';
export { MOST_SHOWN, oneOf, type Sample } from './sample.ts';
export { type MetricsSettings, readMetricsSettings } from './settings.ts';
