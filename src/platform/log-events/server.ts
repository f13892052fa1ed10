import type { LogEventDefinition } from './define.ts';

/** Lines of `linkspan serve`, and of the listeners and hooks that other commands have too. */
export const serverLogEvents = {
  'agent.linked': {
    level: 'info',
    fields: ['agentId', 'orgId', 'host', 'address'],
    meaning: 'An agent redeemed a link-token.',
  },
  'agent_request.failed': {
    level: 'error',
    fields: ['err', 'path'],
    meaning: 'The server failed to answer a request of an agent. The agent tries again.',
  },
  'certificate.reloaded': { level: 'info', fields: ['file'], meaning: 'The server uses the renewed certificate.' },
  'certificate.unusable': {
    level: 'error',
    fields: ['reason'],
    meaning: 'The renewed certificate cannot be used. The server keeps the old one.',
  },
  'connection.refused': {
    level: 'warn',
    meaning: 'The process did not connect to an address that it must not reach. The message names it.',
  },
  'destination_user.failed': {
    level: 'warn',
    fields: ['user', 'reason'],
    meaning: 'A user of a migration could not be created or dropped on its destination. The server tries again.',
  },
  'destination_user.list_unreadable': {
    level: 'error',
    fields: ['reason'],
    meaning: 'The server cannot read the users of migrations from its store. It tries again.',
  },
  'dialler.ended': {
    level: 'warn',
    fields: ['orgId', 'groupId', 'act'],
    meaning: 'The process that connects to a destination has ended before its answer.',
  },
  'disk.failed': {
    level: 'fatal',
    fields: ['code', 'reason'],
    meaning: 'The disk of the data directory has failed. The server stops.',
  },
  'hook.event_given_up': {
    level: 'error',
    fields: ['hook', 'eventId', 'type', 'attempts', 'reason'],
    meaning: 'A hook failed too often for an event. Linkspan does not deliver it any more.',
  },
  'hook.events_not_queued': {
    level: 'error',
    fields: ['reason'],
    meaning: 'New events could not be queued for hooks. Linkspan tries again.',
  },
  'hook.failed': {
    level: 'warn',
    fields: ['hook', 'eventId', 'type', 'attempts', 'reason'],
    meaning: 'A hook failed. Linkspan tries again.',
  },
  'hook.failure_not_recorded': {
    level: 'error',
    fields: ['hook', 'reason'],
    meaning: 'The failure of a hook could not be recorded.',
  },
  'hook.queue_file_unreadable': {
    level: 'warn',
    fields: ['file'],
    meaning: 'The file with the events for hooks cannot be read. Linkspan starts with an empty queue.',
  },
  'hook.queue_full': {
    level: 'error',
    fields: ['hook', 'eventId', 'type'],
    meaning: 'The queue of a hook is full. The event is not delivered to it.',
  },
  'hook.queue_not_stored': {
    level: 'warn',
    fields: ['file', 'reason'],
    meaning: 'The events for hooks could not be stored. They are lost if the process ends now.',
  },
  'hook.queue_unreadable': {
    level: 'error',
    fields: ['reason'],
    meaning: 'The queue of events for hooks cannot be read. Linkspan tries again.',
  },
  'hook.recovered': { level: 'info', fields: ['hook'], meaning: 'A hook that had failed takes events again.' },
  'http.request_failed': {
    level: 'error',
    fields: ['err', 'method', 'path'],
    meaning: 'The server failed to answer a request, by a fault of its own.',
  },
  'master_key.resealed': {
    level: 'info',
    fields: ['values'],
    meaning: 'All secrets of the store are sealed with the new master key.',
  },
  'master_key.unusable': {
    level: 'error',
    fields: ['reason'],
    meaning: 'The changed master key file cannot be used. The current key stays in use.',
  },
  'metrics.request_failed': {
    level: 'warn',
    fields: ['reason'],
    meaning: 'A request of the metrics listener failed.',
  },
  'migration.waits_unchecked': {
    level: 'error',
    fields: ['reason'],
    meaning: 'The server cannot check what migrations wait for, so events about waits are late.',
  },
  'migration.changed': {
    level: 'info',
    fields: ['migrationId', 'change', 'by', 'details'],
    meaning:
      'A migration has changed: the name and details of its event (`linkspan event list`), and the account, agent or `linkspan` that changed it.',
  },
  'migration.windows_expired': {
    level: 'warn',
    fields: ['expired'],
    meaning: 'The cutover windows of this number of migrations have expired.',
  },
  'migration.windows_unchecked': {
    level: 'error',
    fields: ['reason'],
    meaning: 'The server cannot check cutover windows. It tries again.',
  },
  'organization.owners_expiring': {
    level: 'warn',
    fields: ['orgId', 'expiresAt', 'hoursLeft'],
    meaning: 'No one can administer an organization once this last secret of its owners has expired.',
  },
  'organization.owners_unchecked': {
    level: 'error',
    fields: ['reason'],
    meaning: 'The server cannot check when the secrets of owners expire. It tries again.',
  },
  'report.fields_left_out': {
    level: 'warn',
    fields: ['host', 'version', 'fields'],
    meaning: 'A report of an agent has fields that this version does not take. The rest of the report counts.',
  },
  'security.event': {
    level: 'warn',
    fields: [
      'securityEvent',
      'address',
      'reason',
      'actorKind?',
      'actorName?',
      'claimedKind?',
      'claimedName?',
      'orgId?',
    ],
    meaning: 'An attempt was refused, such as a wrong key or a request without the role for it.',
  },
  'security.event_not_stored': {
    level: 'error',
    fields: ['type', 'reason'],
    meaning: 'The audit record of a security event could not be stored.',
  },
  'security.events_left_out': {
    level: 'warn',
    fields: ['securityEvent', 'leftOut', 'addresses'],
    meaning: 'Further security events of one kind were left out of the log, so that no one can flood it.',
  },
} as const satisfies Readonly<Record<string, LogEventDefinition>>;
