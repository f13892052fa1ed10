/** A count with separators: `1,204`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A rate: `5,214/s`; a dash while it is unknown. */
export function rate(value: number | null | undefined, unit: (value: number) => string = count): string {
  return value == null ? '–' : `${unit(value)}/s`;
}

/** A duration in the two largest units that matter: `2 d 4 h`, `1 h 42 min`, `12 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (whole >= 600) return `${minutes} min`;
  if (minutes > 0) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

/** A short duration with its milliseconds: `84 ms`, `1.24 s`, `3 min 4 s`. */
export function shortDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(2)} s` : duration(ms / 1000);
}

/** A share of a whole in percent, rounded down: it shows 100 only for all. Undefined without a whole. */
export function percent(part: number, whole: number): number | undefined {
  return whole > 0 ? Math.floor(Math.min(1, part / whole) * 100) : undefined;
}

/** A noun after its number: `1 document`, `2 documents`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** A source cluster's name for a list, and for a sharded one the number of its shards. */
export function clusterName({
  name,
  sharded,
  shardsSize,
}: {
  readonly name: string;
  readonly sharded: boolean;
  readonly shardsSize?: number | undefined;
}): string {
  if (!sharded) return name;
  return `${name}, sharded${shardsSize === undefined ? '' : ` (${counted(shardsSize, 'shard')})`}`;
}

/** A time in UTC: `07:41:02`, with the date unless it is today. */
export function utcTime(iso: string, nowMs: number): string {
  const [date = '', time = ''] = new Date(iso).toISOString().split('T');
  const today = new Date(nowMs).toISOString().slice(0, 10);
  return date === today ? time.slice(0, 8) : `${date} ${time.slice(0, 8)}`;
}

/** The same time where the reader is, with its zone. */
export function localTime(iso: string): string {
  return new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'long' });
}

/** A reason of the server as a sentence: `it is paused` is `It is paused.`; empty stays empty. */
export function sentence(reason: string): string {
  if (reason === '') return '';
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${/[.!?]$/.test(reason) ? '' : '.'}`;
}
