import { z } from 'zod';
import { shownCutoverReport } from '../../src/platform/index.ts';

/**
 * Returns `docs/reference/cutover-report.schema.json`, made from the schema that the report's type has.
 * `npm run docs:cutover-schema` writes it.
 */
export function cutoverSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(shownCutoverReport), null, 2)}\n`;
}

if (import.meta.main) process.stdout.write(cutoverSchema());
