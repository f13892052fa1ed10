import { type Measured, openMetrics, readMetricsSettings } from '../../metrics/index.ts';
import type { Logger, MetricsFile } from '../../platform/index.ts';
import { tell } from '../terminal/index.ts';
import type { MetricsFlags } from './metrics-options.ts';

/**
 * Serves the metrics of a command, if the flags or the configuration file say where. Flags override the file.
 * @throws UserError USAGE, METRICS_TOKEN_MISSING, METRICS_TOKEN_UNUSABLE or PORT_IN_USE
 */
export async function serveMetrics(
  { metricsListen, metricsTokenFile }: MetricsFlags,
  file: MetricsFile | undefined,
  measured: Measured,
  logger: Logger,
): Promise<AsyncDisposable | undefined> {
  const settings = readMetricsSettings({
    listen: metricsListen ?? file?.listen,
    tokenFile: metricsTokenFile ?? file?.tokenFile,
  });
  if (settings === undefined) return undefined;
  const listener = await openMetrics(settings, measured, logger);
  tell(`linkspan ${measured.command}`, `metrics are served at ${listener.url}/metrics`);
  return listener;
}
