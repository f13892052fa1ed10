import { z } from 'zod';
import { digestReport } from '../../src/engine/index.ts';

/** `docs/reference/digest-report.schema.json`, out of the schema that reports are read with. `npm run docs:digest-schema` writes it. */
export function digestSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(digestReport), null, 2)}\n`;
}

if (import.meta.main) process.stdout.write(digestSchema());
