export { checkAgent } from './check.ts';
export { agentFile, readAgentConfiguration } from './configuration.ts';
export { linkTokenFrom } from './establish-link.ts';
export { MigrationHost } from './migration-host.ts';
export { openOpsManagerApi } from './ops-manager-api/index.ts';
export { endsLink } from './refusal.ts';
