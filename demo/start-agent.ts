import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LinkspanProcess, runLinkspan } from '../test/support/linkspan-process.ts';

/** Names in the agent's configuration. */
export const agentNames = { host: 'mover', projectId: '0123456789abcdef01234567', deployment: 'demo' } as const;

/** Limit of the copy rate, so that the live load hits many ranges being copied. Without it the copy takes one or two seconds. */
const COPY_MEGABYTES_PER_SECOND = 4;

/** Starts `linkspan agent` with a link-token and a configuration that contains the source. @param folder  folder for its file and its data */
export async function startAgent(folder: string, linkToken: string, sourceUri: string): Promise<LinkspanProcess> {
  const file = join(folder, 'agent.yaml');
  writeFileSync(
    file,
    `host: ${agentNames.host}
dataDir: agent
# The destination of the demonstration is on this machine, which has to be said.
allowedDestinations: [127.0.0.0/8]
projects:
  - id: ${agentNames.projectId}
    name: Demonstration
    deployments:
      - name: ${agentNames.deployment}
        uri: \${SOURCE_URI}
copy:
  maxMegabytesPerSecond: ${COPY_MEGABYTES_PER_SECOND}
`,
  );
  const agent = runLinkspan(['agent', '--config', file], {
    env: { LINKSPAN_LINK_TOKEN: linkToken, SOURCE_URI: sourceUri },
  });
  await agent.waitForLine(/linked to organization/);
  return agent;
}
