import { DAYS } from './days.ts';
import type { LoadWindow } from './load-windows.ts';

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
