/** Texts about the limits of a migration's speed. */
export const limitsText = {
  title: 'What limits it',
  note: (seconds: string) => `last ${seconds} s`,
  label: (shares: string) => `What the time went to: ${shares}`,
  what: 'Time went to',
  share: 'Share',
  percent: (share: number) => `${share} %`,
  shares: {
    sourceRead: 'Reading from the source',
    destinationWrite: 'Writing to the destination',
    engine: 'Computing on the agent',
    throttled: 'Limit of the copy rate',
    memory: 'Waiting for memory',
    idle: 'Nothing to do',
  },
  advice: {
    sourceRead: 'The source answers slowly. A higher load level helps only if it has resources to spare.',
    destinationWrite: 'The destination takes writes slowly. A larger instance or faster disks would help.',
    engine: 'The processor of the agent is the limit. A faster one, or fewer programs beside it, would help.',
    throttled: 'The limit of the copy rate holds it back. Raise the limit to copy faster.',
    memory: 'Documents in flight fill the memory of the agent. Give it more with memoryMegabytes.',
    idle: 'Neither side holds it back.',
  },
} as const;
