/** Texts of the audit's page. */
export const auditText = {
  title: 'Events, newest first',
  filter: 'Type of event',
  filterHint: 'Empty for all. Several types are separated by commas.',
  show: 'Show',
  when: 'When',
  type: 'Event',
  who: 'By',
  from: 'From',
  details: 'Details',
  none: 'No such event.',
  range: (from: string, to: string, all: string) => `${from}–${to} of ${all}`,
  newer: 'Newer',
  older: 'Older',
} as const;
