export { Agent } from './agent.ts';
export { type CheckFinding, checkAgent } from './check.ts';
export { agentFile, readAgentConfiguration } from './configuration.ts';
export { guardDialling } from './dial-guard.ts';
export { establishLink, linkTokenFrom } from './establish-link.ts';
