export { Agent } from './agent.ts';
export { readAgentConfiguration } from './configuration.ts';
export { establishLink, linkTokenFrom } from './establish-link.ts';
