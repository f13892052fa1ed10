import { z } from 'zod';
import { agentFile } from '../../src/agent/index.ts';

/** `deploy/agent.schema.json`, out of the schema that the agent reads with. `npm run docs:agent-schema` writes it. */
export function agentSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(agentFile, { io: 'input' }), null, 2)}\n`;
}

if (import.meta.main) process.stdout.write(agentSchema());
