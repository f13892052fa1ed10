import { z } from 'zod';
import { agentFile } from '../../src/agent/index.ts';

/** Returns `deploy/agent.schema.json`, made from the agent's own schema. `npm run docs:agent-schema` writes the file. */
export function agentSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(agentFile, { io: 'input' }), null, 2)}\n`;
}

if (import.meta.main) process.stdout.write(agentSchema());
