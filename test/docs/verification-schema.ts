import { z } from 'zod';
import { verificationReport } from '../../src/engine/index.ts';

/**
 * Returns `docs/reference/verification-report.schema.json`, made from the schema that the report's type has.
 * `npm run docs:verification-schema` writes it.
 */
export function verificationSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(verificationReport), null, 2)}\n`;
}

if (import.meta.main) process.stdout.write(verificationSchema());
