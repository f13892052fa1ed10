import { type RedeemResponse, wantedState } from '../../src/link/index.ts';
import type { ControlPlane } from '../atlas-api/control-plane.ts';
import { DESTINATION } from '../atlas-api/migration-world.ts';
import { AgentClient, createToken, SOURCE, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { eventually } from '../support/eventually.ts';

/** A project with a destination, and an agent that offers two clusters and is played by the test. */
export async function prepareShop(plane: ControlPlane): Promise<AgentClient> {
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'Shop', orgId: plane.orgId } });
  const body = { name: 'target', connectionStrings: { standard: DESTINATION } };
  await plane.api('POST', `/api/atlas/v2/groups/${group.json.id}/clusters`, { body });
  const agent = new AgentClient(plane.url);
  const redeemed = (await agent.redeem(await createToken(plane, [], 'mover-1'), 'mover-1')).json;
  agent.agentId = String((redeemed as unknown as RedeemResponse).agentId);
  const deployments = [
    { ...SOURCE, name: 'orders' },
    { ...SOURCE, name: 'parts', sharded: true, shardsSize: 2 },
  ];
  await agent.report({
    inventory: [{ projectId: SOURCE_PROJECT, name: 'Old shop', deployments }],
  });
  return agent;
}

/** Answers the next validation as the agent. */
export async function answerValidation(agent: AgentClient, content: object): Promise<void> {
  const open = async () => wantedState.parse((await agent.poll(null)).json).validations[0];
  const { id } = await eventually(open, { what: 'a validation' });
  await agent.report({ validations: [{ id, ...content }] });
}
