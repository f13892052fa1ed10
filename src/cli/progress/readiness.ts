import { GATE_GROUPS, type Gate, inWords, type ShownGate, showGates } from '../../contract/index.ts';

/** Marks of states, as wide as each other. */
const MARKS: Readonly<Record<ShownGate['state'], string>> = {
  PASSED: 'ok',
  WAITING: '..',
  BLOCKED: '!!',
  UNKNOWN: '??',
  SKIPPED: '--',
};
const TITLES: Readonly<Record<(typeof GATE_GROUPS)[number], string>> = {
  MIGRATION: 'Migration',
  DATA: 'Data',
  SOURCE: 'Source',
  DESTINATION: 'Destination',
  CUTOVER: 'Cutover',
};

/** Whether a gate says anything that an operator should read. */
function isOpen({ state }: Pick<ShownGate, 'state'>): boolean {
  return state !== 'PASSED' && state !== 'SKIPPED';
}

/** Returns the gates that hold a cutover back, as a short phrase; undefined when there are none. */
export function describeReadiness(gates: readonly Gate[]): string | undefined {
  const names = showGates(gates)
    .filter((gate) => gate.refuses && isOpen(gate))
    .map(({ name }) => inWords(name));
  return names.length === 0 ? undefined : `cutover waits for: ${names.join(', ')}`;
}

/** Returns the checklist of a cutover for people: one line a gate, with reasons and what to do below those that are open. */
export function readinessLines(gates: readonly ShownGate[]): string[] {
  return GATE_GROUPS.flatMap((group) => {
    const those = gates.filter((gate) => gate.group === group);
    return those.length === 0 ? [] : [TITLES[group], ...those.flatMap(linesOf)];
  });
}

function linesOf(gate: ShownGate): string[] {
  const { name, title, state, refuses, reasons, action } = gate;
  const advises = refuses || !isOpen(gate) ? '' : ' (advice)';
  const first = `  ${MARKS[state]}  ${title}${figureOf(gate)}${advises} [${name}]`;
  if (state === 'PASSED') return [first];
  const more = reasons.map((reason) => `      ${reason}`);
  return [first, ...more, ...(isOpen(gate) && action !== '' ? [`      -> ${action}`] : [])];
}

/** Returns value, limit and estimate, as far as they are known. */
function figureOf({ value, limit, unit, etaSeconds }: ShownGate): string {
  const of = limit === null ? '' : ` (limit ${limit})`;
  const units = value === 1 ? unit?.replace(/(?<=x)es\b|s\b/, '') : unit;
  const figure = value === null || unit === null ? '' : `: ${value} ${units}${of}`;
  return etaSeconds === null ? figure : `${figure}, in about ${etaSeconds} s`;
}
