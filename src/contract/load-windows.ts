import { z } from 'zod';
import { DAYS } from './days.ts';
import { loadLevel } from './load-level.ts';

const MOST_WINDOWS = 20;

const time = z
  .string()
  .max(5)
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day, such as 22:30');

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

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
