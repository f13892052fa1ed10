import type { Gate, ShownGate } from './gate.ts';
import { GATES, type GateDeclaration } from './gates.ts';
import { inWords } from './in-words.ts';

/** Whether a gate holds a cutover back. */
function holdsBack(one: Gate): boolean {
  return declarationOf(one).refuses && one.state !== 'PASSED' && one.state !== 'SKIPPED';
}

/** Whether the gates let a cutover begin. Without gates nothing is known, so it can't. */
export function areReady(gates: readonly Gate[]): boolean {
  return gates.length > 0 && !gates.some(holdsBack);
}

/** Returns the reasons of the gates that hold a cutover back. */
export function refusalsOf(gates: readonly Gate[]): string[] {
  return gates
    .filter(holdsBack)
    .flatMap(({ name, reasons }) => (reasons.length > 0 ? reasons : [`${inWords(name)} is not known`]));
}

/** Returns the gates with their declarations, in the order of the catalogue. */
export function showGates(gates: readonly Gate[]): ShownGate[] {
  const order = Object.keys(GATES);
  const place = ({ name }: Gate) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...gates].sort((a, b) => place(a) - place(b)).map(shown);
}

function shown(one: Gate): ShownGate {
  const { whileWaiting, action, ...declaration } = declarationOf(one);
  return { ...one, ...declaration, action: (one.state === 'WAITING' ? whileWaiting : undefined) ?? action };
}

/** A gate of another version counts as one that refuses: this version can't know its purpose. */
function declarationOf({ name }: Pick<Gate, 'name'>): GateDeclaration {
  const known: Readonly<Record<string, GateDeclaration>> = GATES;
  const foreign = { group: 'CUTOVER', title: name, refuses: true, unit: null, action: '' } as const;
  return Object.hasOwn(known, name) ? (known[name] ?? foreign) : foreign;
}
