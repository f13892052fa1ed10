import { z } from 'zod';

/** The key `metrics` of the configuration files of `linkspan agent` and `linkspan sync`. */
export const metricsFile = z
  .strictObject({
    listen: z.string().meta({ description: 'Address to serve metrics and health on, such as 127.0.0.1:9216.' }),
    tokenFile: z.string().min(1).optional().meta({
      description: 'File of mode 600 with the token that a scrape must send. Required unless the address is loopback.',
    }),
  })
  .meta({ description: 'Serves metrics for Prometheus, and health; without it they are off.' });

export type MetricsFile = z.output<typeof metricsFile>;
