import type { LogEventDefinition } from './define.ts';

/** Lines of `linkspan agent` about itself, and about the orders that it carries out. */
export const agentLogEvents = {
  'agent.awaits_link': {
    level: 'warn',
    fields: ['code'],
    meaning: 'The agent has no link to a control plane, and waits until it is linked.',
  },
  'agent.clock_skew': {
    level: 'warn',
    fields: ['aheadSeconds'],
    meaning: 'The clocks of this host and of the control plane differ. From five minutes on, requests are refused.',
  },
  'agent.data_unwritable': {
    level: 'error',
    fields: ['reason'],
    meaning:
      'The agent cannot write its notes of cutovers to its data directory. New cutovers wait, other orders are carried out, and the agent tries again each second.',
  },
  'agent.data_writable': {
    level: 'info',
    meaning: 'The agent can write its notes of cutovers again. Cutovers that waited for that begin.',
  },
  'agent.keys_stored': {
    level: 'info',
    meaning: 'The agent has stored the new keys of the control plane that it could not store before.',
  },
  'agent.keys_unstored': {
    level: 'warn',
    fields: ['reason'],
    meaning:
      'The agent cannot store new keys of the control plane. It uses them, carries out orders, and tries again with the next poll. A restart more than 30 days after the rotation would need another link-token.',
  },
  'agent.link_kept': {
    level: 'warn',
    fields: ['agentId'],
    meaning: 'The host was unlinked. The control plane keeps the link, because a migration of this host has not ended.',
  },
  'agent.link_unknown': {
    level: 'info',
    fields: ['agentId', 'code'],
    meaning: 'The host was unlinked, and the control plane no longer knows the link.',
  },
  'agent.unlink_not_reported': {
    level: 'error',
    fields: ['err'],
    meaning: 'The host was unlinked, and the agent cannot notify the control plane.',
  },
  'agent.unlink_pending': {
    level: 'warn',
    fields: ['agentId', 'code'],
    meaning: 'The host was unlinked, and the control plane does not know it yet. The agent tries again.',
  },
  'control_plane.reachable': { level: 'info', meaning: 'The control plane answers again.' },
  'control_plane.unreachable': {
    level: 'warn',
    fields: ['reason'],
    meaning: 'The control plane does not answer. Migrations continue, and the agent tries again.',
  },
  'deployment.inspection_failed': {
    level: 'warn',
    fields: ['deployment', 'reason'],
    meaning: 'The agent cannot read the databases and sizes of a deployment.',
  },
  'digest.unanswered': {
    level: 'warn',
    fields: ['namespace', 'reason'],
    meaning: 'The digest helper cannot digest a range. The agent that asked reads its documents instead.',
  },
  'migration.ended': { level: 'info', fields: ['outcome'], meaning: 'A migration has ended without an error.' },
  'migration.failed': { level: 'error', fields: ['error'], meaning: 'A migration has failed.' },
  'migration.started': { level: 'info', meaning: 'The engine of a migration starts or resumes.' },
  'migration.steered': { level: 'info', fields: ['wanted'], meaning: 'The operator wants this state of a migration.' },
  'migration.unassigned': {
    level: 'info',
    fields: ['migrationId'],
    meaning: 'The control plane no longer wants the migration from this agent. The engine stops, and the data stays.',
  },
  'validation.finished': {
    level: 'info',
    fields: ['validation', 'errors', 'findings'],
    meaning: 'A validation has finished, with these numbers of errors and of findings.',
  },
} as const satisfies Readonly<Record<string, LogEventDefinition>>;
