/** The groups in which the gates of a migration are shown, in this order. */
export const GATE_GROUPS = ['migration', 'data', 'source', 'destination', 'cutover'] as const;

/** The declaration of a gate. Each gate of the checklist is declared in {@link GATES}. */
interface GateDeclaration {
  readonly group: (typeof GATE_GROUPS)[number];
  readonly title: string;
  /** Whether a cutover is refused until the gate is passed. The others are advice. */
  readonly refuses: boolean;
  /** The unit of value and limit; null when the gate has none. */
  readonly unit: string | null;
  /** The action to take while it isn't passed. */
  readonly action: string;
}

/**
 * The gates of a cutover. Their names are stable: programs read them. docs/reference/readiness.md has this table, written
 * by `npm run docs`.
 */
export const GATES = {
  running: {
    group: 'migration',
    title: 'The migration runs and follows the source',
    refuses: true,
    unit: null,
    action:
      'Wait until the copy is done. Resume a paused migration with `linkspan migration resume`, or with `POST /resume` of `linkspan sync`.',
  },
  agent: {
    group: 'migration',
    title: 'The agent was heard recently',
    refuses: true,
    unit: 'seconds',
    action:
      'Start the agent again on its host, or repair its connection to the control plane. It resumes by itself. If it reports, and has left out only this migration, its log says why.',
  },
  request: {
    group: 'migration',
    title: 'Nobody has asked for a pause or a cancellation',
    refuses: true,
    unit: null,
    action: 'Resume a paused migration with `linkspan migration resume`. A cancellation is final.',
  },
  waits: {
    group: 'migration',
    title: 'Nothing is waited for or retried',
    refuses: true,
    unit: 'waits',
    action: 'Repair what the reason names. The migration resumes by itself.',
  },
  copy: {
    group: 'data',
    title: 'All collections are copied',
    refuses: true,
    unit: 'collections',
    action: 'Wait. A higher load level (`linkspan migration set-load-level`) makes the copy faster.',
  },
  indexes: {
    group: 'data',
    title: 'All indexes are built',
    refuses: true,
    unit: 'indexes',
    action: 'Wait. Large indexes take long, and the destination builds a few at a time.',
  },
  history: {
    group: 'data',
    title: 'No change of the source was missed, or all is repaired',
    refuses: true,
    unit: 'collections',
    action: 'Wait for the repair. Enlarge the oplog of the source (`replSetResizeOplog`) if it loses changes again.',
  },
  drops: {
    group: 'data',
    title: 'No drops wait for a confirmation',
    refuses: true,
    unit: null,
    action:
      'Confirm the drops (`linkspan migration confirm-drops`, or `--confirm-drops` of `linkspan sync`), or cancel the migration if the source was emptied by mistake.',
  },
  lag: {
    group: 'data',
    title: 'The lag is small and steady',
    refuses: true,
    unit: 'seconds',
    action:
      'Wait. If the lag does not fall, the source takes more writes than the destination: give the destination more resources.',
  },
  documents: {
    group: 'data',
    title: 'All documents are compared and equal',
    refuses: true,
    unit: 'documents',
    action:
      'Wait for the comparison. Documents that stay different are listed by `linkspan migration describe`; with `--verify report` repair them by hand.',
  },
  catalogs: {
    group: 'data',
    title: 'Collections, options, views and indexes are compared and equal',
    refuses: true,
    unit: 'differences',
    action: 'Make the destination like the source in what the reason names.',
  },
  oplog: {
    group: 'source',
    title: 'The oplog of the source has headroom',
    refuses: false,
    unit: '% free',
    action: 'Enlarge the oplog (`replSetResizeOplog`), or cut over soon: after that the oplog is not needed.',
  },
  transactions: {
    group: 'source',
    title: 'No long transaction is open on the source',
    refuses: false,
    unit: 'seconds',
    action: 'End the transaction of the application that the reason names. A cutover waits for it by itself.',
  },
  'index-builds': {
    group: 'source',
    title: 'No index is being built on the source',
    refuses: false,
    unit: 'builds',
    action: 'Let the build finish, or stop it. A cutover waits for it by itself.',
  },
  'source-block': {
    group: 'source',
    title: 'Nobody else holds the write block of the source',
    refuses: false,
    unit: null,
    action: 'Find out who has blocked the writes. A cutover waits while another migration holds the block.',
  },
  'destination-block': {
    group: 'destination',
    title: 'The destination is protected from writes by others',
    refuses: false,
    unit: null,
    action: 'Keep applications away from the destination until the cutover is done.',
  },
  attempt: {
    group: 'cutover',
    title: 'No failed attempt to cut over waits for its repetition',
    refuses: true,
    unit: null,
    action: 'Remove the obstacle that the reason names. The next attempt begins by itself.',
  },
  window: {
    group: 'cutover',
    title: 'The cutover window is open',
    refuses: true,
    unit: 'hours left',
    action:
      'Extend the window in time: `linkspan migration extend-window`. A migration whose window has ended has to be started again.',
  },
} as const satisfies Readonly<Record<string, GateDeclaration>>;

export type GateName = keyof typeof GATES;

/**
 * `passed`; `waiting`: it passes by itself; `blocked`: somebody has to act; `unknown`: not measured, or not any more;
 * `skipped`: it does not apply to this migration, as the reason says.
 */
export const GATE_STATES = ['passed', 'waiting', 'blocked', 'unknown', 'skipped'] as const;

/** One gate of a migration, as an engine reports it. */
export interface Gate {
  /** A {@link GateName}; other versions may report others. */
  readonly name: string;
  readonly state: (typeof GATE_STATES)[number];
  readonly value: number | null;
  readonly limit: number | null;
  /** Why it has this state; not empty unless it is passed. */
  readonly reasons: readonly string[];
  /** When it was measured, by the wall clock of who reports it; null when it was not. */
  readonly measuredAtMs: number | null;
  /** Estimated time until it passes; null when unknown. */
  readonly etaSeconds: number | null;
}

/** A gate with its declaration, as people and programs see it. */
export type ShownGate = Omit<Gate, 'measuredAtMs' | 'reasons'> &
  GateDeclaration & { reasons: string[]; readonly measuredAt: string | null };

/** Whether a gate holds a cutover back. */
function holdsBack(gate: Gate): boolean {
  return declarationOf(gate).refuses && gate.state !== 'passed' && gate.state !== 'skipped';
}

/** Whether the gates let a cutover begin. Without gates nothing is known, so it can't. */
export function areReady(gates: readonly Gate[]): boolean {
  return gates.length > 0 && !gates.some(holdsBack);
}

/** Returns the reasons of the gates that hold a cutover back. */
export function refusalsOf(gates: readonly Gate[]): string[] {
  return gates
    .filter(holdsBack)
    .flatMap(({ name, reasons }) => (reasons.length > 0 ? reasons : [`${name} is not known`]));
}

/** Returns the gates with their declarations, in the order of the catalogue. */
export function showGates(gates: readonly Gate[]): ShownGate[] {
  const order = Object.keys(GATES);
  const place = ({ name }: Gate) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...gates]
    .sort((a, b) => place(a) - place(b))
    .map(({ measuredAtMs, reasons, ...gate }) => ({
      ...gate,
      reasons: [...reasons],
      ...declarationOf(gate),
      measuredAt: measuredAtMs === null ? null : new Date(measuredAtMs).toISOString(),
    }));
}

/** A gate of another version counts as one that refuses: nobody knows what it protects. */
function declarationOf({ name }: Pick<Gate, 'name'>): GateDeclaration {
  const known: Readonly<Record<string, GateDeclaration>> = GATES;
  const foreign = { group: 'cutover', title: name, refuses: true, unit: null, action: '' } as const;
  return Object.hasOwn(known, name) ? (known[name] ?? foreign) : foreign;
}
