import type { Format } from './registry.ts';

/** Returns the format that an `Accept` header prefers: OpenMetrics if it asks for it at least as much as for plain text. */
export function acceptedFormat(header = ''): Format {
  const entries = header.split(',').map((entry) => {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return { type, quality: quality === undefined ? 1 : Number(quality) };
  });
  const best = (wanted: string) =>
    Math.max(0, ...entries.filter(({ type }) => type === wanted).map(({ quality }) => quality || 0));
  const openMetrics = best('application/openmetrics-text');
  return openMetrics > 0 && openMetrics >= best('text/plain') ? 'openmetrics' : 'prometheus';
}
