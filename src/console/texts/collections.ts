/** Texts of the table of collections. */
export const collectionsText = {
  title: 'Collections',
  note: (all: string) => `${all}, largest first`,
  filter: 'Name contains',
  matching: (matching: string, all: string) => `${matching} of ${all}, largest first`,
  none: 'No collection has such a name.',
  table: 'Collections, largest first',
  namespace: 'Namespace',
  state: 'State',
  documents: 'Documents',
  /** Behind the number of documents where the table has no headings. */
  unit: ' documents',
  data: 'Data',
  rate: 'Rate',
  of: (done: string, all: string) => `${done} of ${all}`,
  order: (order: 'ID' | 'NATURAL', reason: string) =>
    `Read in ${order === 'NATURAL' ? 'natural order' : 'the order of _id'}, because ${reason}.`,
  loading: 'Loading…',
  incomplete: (known: string, all: string) => `The agent has sent ${known} of ${all} collections. The rest follows.`,
  old: 'The agent is silent. This is its last report, of',
  ended: 'As the agent last reported, at',
  states: {
    WAITING: 'Waiting',
    COPYING: 'Copying',
    INDEXING: 'Building indexes',
    CATCHING_UP: 'Catching up',
    DONE: 'Done',
    SUSPECT: 'Compared again',
    QUARANTINED: 'Quarantined',
  },
} as const;
