import { UserError } from '../../platform/index.ts';

const FORM = /^([A-Za-z,]+) (\d\d:\d\d)-(\d\d:\d\d) ([^\s=]+)((?: (?:level|rate)=\S+)+)$/;

/**
 * Reads windows as `MON,TUE 22:00-06:00 Europe/Berlin level=4 rate=50`; the rate is in MB/s, or `unlimited`.
 * @returns the body of the API, which checks the values
 * @throws UserError USAGE for another form
 */
export function loadWindowsBody(texts: readonly string[]): object {
  return { windows: texts.map(windowOf) };
}

function windowOf(text: string): object {
  const [, days = '', from, to, timeZone, settings = ''] = FORM.exec(text) ?? [];
  if (days === '')
    throw new UserError('USAGE', [
      `The window "${text}" is not of the form "MON,TUE 22:00-06:00 Europe/Berlin level=4 rate=50", with level, rate or both`,
    ]);
  const { level, rate } = Object.fromEntries(
    settings
      .trim()
      .split(' ')
      .map((one) => one.split('=')),
  );
  return {
    ...{ days: days.toUpperCase().split(','), from, to, timeZone },
    ...(level !== undefined && { loadLevel: Number(level) }),
    ...(rate !== undefined && { maxMegabytesPerSecond: rate === 'unlimited' ? null : Number(rate) }),
  };
}
