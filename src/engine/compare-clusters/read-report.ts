import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf, UserError } from '../../platform/index.ts';
import { type DigestReport, digestReport } from './digest-report.ts';

/**
 * Reads a report of `linkspan digest`.
 * @throws UserError REPORT_UNREADABLE naming the file and the problem
 */
export function readReport(file: string): DigestReport {
  const unreadable = (reason: string, cause?: unknown) => new UserError('REPORT_UNREADABLE', [file, reason], { cause });
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw unreadable(messageOf(error), error);
  }
  const result = digestReport.safeParse(value);
  if (result.success) return result.data;
  throw unreadable(z.prettifyError(result.error).split('\n').slice(0, 2).join(' '));
}
