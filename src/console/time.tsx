import { localTime, utcTime } from './format.ts';

/** A time in UTC; on hover it says the time of the reader's own zone. */
export function Time({ iso }: { readonly iso: string }) {
  return (
    <time dateTime={iso} title={localTime(iso)}>
      {utcTime(iso, Date.now())}
    </time>
  );
}
