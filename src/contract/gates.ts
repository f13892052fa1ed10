/** The groups in which the gates of a migration are shown, in this order. */
export const GATE_GROUPS = ['MIGRATION', 'DATA', 'SOURCE', 'DESTINATION', 'CUTOVER'] as const;

/** The declaration of a gate. Each gate of the checklist is declared in {@link GATES}. */
export interface GateDeclaration {
  readonly group: (typeof GATE_GROUPS)[number];
  readonly title: string;
  /** Whether a cutover is refused until the gate is passed. The others are advice. */
  readonly refuses: boolean;
  /** The unit of value and limit; null when the gate has none. */
  readonly unit: string | null;
  /** The action to take while it isn't passed. */
  readonly action: string;
  /** The action while it passes by itself, if that is another one. */
  readonly whileWaiting?: string;
}

/**
 * The gates of a cutover. Their names are stable: programs read them. docs/reference/readiness.md has this table, written
 * by `npm run docs`.
 */
export const GATES = {
  RUNNING: {
    group: 'MIGRATION',
    title: 'The migration runs and follows the source',
    refuses: true,
    unit: null,
    action:
      'Resume a paused migration with `linkspan migration resume`, or with `POST /resume` of `linkspan sync`. One that has ended takes no cutover.',
    whileWaiting: 'Wait until the copy is done, or until the cutover under way ends.',
  },
  AGENT: {
    group: 'MIGRATION',
    title: 'The agent was heard recently',
    refuses: true,
    unit: 'seconds',
    action:
      'Start the agent again on its host, or repair its connection to the control plane. It resumes by itself. If it reports, and has left out only this migration, its log says why.',
  },
  REQUEST: {
    group: 'MIGRATION',
    title: 'No one has asked for a pause, a cancellation or a cutover',
    refuses: true,
    unit: null,
    action: 'Resume a paused migration with `linkspan migration resume`. A cancellation is final.',
    whileWaiting: 'Wait for the cutover, or abort it with `linkspan migration cutover --abort`.',
  },
  WAITS: {
    group: 'MIGRATION',
    title: 'Nothing is waited for or retried',
    refuses: true,
    unit: 'waits',
    action: 'Repair what the reason names. The migration resumes by itself.',
  },
  COPY: {
    group: 'DATA',
    title: 'All collections are copied',
    refuses: true,
    unit: 'collections',
    action: 'Wait. A higher load level (`linkspan migration set-load-level`) makes the copy faster.',
  },
  INDEXES: {
    group: 'DATA',
    title: 'All indexes are built',
    refuses: true,
    unit: 'indexes',
    action: 'Wait. Large indexes take long, and the destination builds a few at a time.',
  },
  HISTORY: {
    group: 'DATA',
    title: 'No change of the source was missed, or all is repaired',
    refuses: true,
    unit: 'collections',
    action: 'Wait for the repair. Enlarge the oplog of the source (`replSetResizeOplog`) if it loses changes again.',
  },
  DROPS: {
    group: 'DATA',
    title: 'No drops wait for a confirmation',
    refuses: true,
    unit: null,
    action:
      'Confirm the drops (`linkspan migration confirm-drops`, or `--confirm-drops` of `linkspan sync`), or cancel the migration if the source was emptied by mistake.',
  },
  LAG: {
    group: 'DATA',
    title: 'The lag is small and steady',
    refuses: true,
    unit: 'seconds',
    action:
      'Wait. If the lag does not fall, the source takes more writes than the destination: give the destination more resources.',
  },
  DOCUMENTS: {
    group: 'DATA',
    title: 'All documents are compared and equal',
    refuses: true,
    unit: 'documents',
    action:
      'Wait for the comparison. Documents that stay different are listed by `linkspan migration describe`; with `--verify report` repair them by hand.',
  },
  CATALOGS: {
    group: 'DATA',
    title: 'Collections, options, views and indexes are compared and equal',
    refuses: true,
    unit: 'differences',
    action: 'Make the destination like the source in what the reason names.',
  },
  OPLOG: {
    group: 'SOURCE',
    title: 'The oplog of the source has headroom',
    refuses: false,
    unit: '% free',
    action: 'Enlarge the oplog (`replSetResizeOplog`), or cut over soon: after that the oplog is not needed.',
  },
  TRANSACTIONS: {
    group: 'SOURCE',
    title: 'No long transaction is open on the source',
    refuses: false,
    unit: 'seconds',
    action: 'End the transaction of the application that the reason names. A cutover waits for it by itself.',
  },
  INDEX_BUILDS: {
    group: 'SOURCE',
    title: 'No index is being built on the source',
    refuses: false,
    unit: 'builds',
    action: 'Let the build finish, or stop it. A cutover waits for it by itself.',
  },
  SOURCE_BLOCK: {
    group: 'SOURCE',
    title: 'No one else holds the write block of the source',
    refuses: false,
    unit: null,
    action: 'Find out who has blocked the writes. A cutover waits while another migration holds the block.',
  },
  DESTINATION_BLOCK: {
    group: 'DESTINATION',
    title: 'The destination is protected from writes by others',
    refuses: false,
    unit: null,
    action: 'Keep applications away from the destination until the cutover is done.',
  },
  ATTEMPT: {
    group: 'CUTOVER',
    title: 'No failed attempt to cut over waits for its repetition',
    refuses: true,
    unit: null,
    action: 'Remove the obstacle that the reason names. The next attempt begins by itself.',
  },
  WINDOW: {
    group: 'CUTOVER',
    title: 'The cutover window is open',
    refuses: true,
    unit: 'hours left',
    action:
      'Extend the window in time: `linkspan migration extend-window`. A migration whose window has ended has to be started again.',
  },
} as const satisfies Readonly<Record<string, GateDeclaration>>;

export type GateName = keyof typeof GATES;

export const GATE_STATES = ['PASSED', 'WAITING', 'BLOCKED', 'UNKNOWN', 'SKIPPED'] as const;
