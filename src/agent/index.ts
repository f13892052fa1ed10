export { Agent } from './agent.ts';
export { type AgentConfiguration, readAgentConfiguration } from './configuration.ts';
export { establishLink, linkTokenFrom } from './establish-link.ts';
