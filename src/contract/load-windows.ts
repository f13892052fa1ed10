import { z } from 'zod';
import { loadLevel } from './load-level.ts';

const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const;
const MOST_WINDOWS = 20;

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day, such as 22:30');

const loadWindow = z
  .strictObject({
    days: z.array(z.enum(DAYS)).min(1).max(7).meta({ description: 'The days of the week on which it begins.' }),
    from: time.meta({ description: 'When it begins, by the clock of its time zone.' }),
    to: time.meta({ description: 'When it ends. A time that is not after `from` is one of the next day.' }),
    timeZone: z
      .string()
      .max(64)
      .refine(isTimeZone, 'must be a time zone, such as Europe/Berlin or UTC')
      .meta({ description: 'Name of the IANA time zone database.' }),
    loadLevel: loadLevel.optional().meta({ description: 'The load level in the window; absent: as without it.' }),
    maxMegabytesPerSecond: z
      .number()
      .positive()
      .nullable()
      .optional()
      .meta({ description: 'Rate limit of the copy in the window; null for none, absent: as without it.' }),
  })
  .meta({ id: 'LinkspanLoadWindow' });

export type LoadWindow = z.output<typeof loadWindow>;

/** Hours of the week with a load of their own. The first one that is open counts. */
export const loadWindows = z.array(loadWindow).max(MOST_WINDOWS).meta({
  description: 'Hours of the week with a load level or copy rate of their own. The first one that is open counts.',
});

/** Returns a window as the command line has it: `MON,TUE 22:00-06:00 Europe/Berlin level=4 rate=50`. */
export function windowText({ days, from, to, timeZone, loadLevel, maxMegabytesPerSecond: rate }: LoadWindow): string {
  return [
    `${days.join(',')} ${from}-${to} ${timeZone}`,
    ...(loadLevel === undefined ? [] : [`level=${loadLevel}`]),
    ...(rate === undefined ? [] : [`rate=${rate ?? 'unlimited'}`]),
  ].join(' ');
}

/** Returns the window that is open at a time; undefined when none is. */
export function openWindow(windows: readonly LoadWindow[], atMs: number): LoadWindow | undefined {
  return windows.find((window) => isOpen(window, atMs));
}

function isOpen({ days, from, to, timeZone }: LoadWindow, atMs: number): boolean {
  const { day, clock } = localTime(atMs, timeZone);
  const [today, yesterday] = [DAYS[day], DAYS[(day + 6) % 7]].map((one) => days.some((each) => each === one));
  if (from < to) return today === true && from <= clock && clock < to;
  return (today === true && from <= clock) || (yesterday === true && clock < to);
}

/** The day of the week, from 0 for Sunday, and the time of day as `HH:MM`. */
function localTime(atMs: number, timeZone: string): { readonly day: number; readonly clock: string } {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const weekday = String(parts.weekday).toUpperCase();
  return { day: DAYS.findIndex((day) => day === weekday), clock: `${parts.hour}:${parts.minute}` };
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
