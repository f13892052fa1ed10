import { z } from 'zod';
import { hookEvent } from '../../src/hooks/index.ts';

/**
 * Returns `docs/reference/hook-event.schema.json`, made from the schema that the type of events has.
 * `npm run docs:hook-schema` writes it.
 */
export function hookSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(hookEvent), null, 2)}\n`;
}

if (import.meta.main) process.stdout.write(hookSchema());
