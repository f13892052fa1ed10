import { UserError } from '../../platform/index.ts';
import type { Flag, Values } from './command.ts';

export const label: Flag = {
  name: 'label',
  description: 'A label of your own, `name=value`; several times for several',
  kind: 'texts',
};

export const note: Flag = { name: 'note', description: 'A note of your own' };

/** The filters of lists of migrations. */
export const filters: readonly Flag[] = [
  { name: 'status', description: 'Only these: NEW, WORKING, COMPLETE, FAILED, EXPIRED', kind: 'list', query: 'status' },
  { name: 'source', description: 'Only those from a cluster with this name', query: 'source' },
  { name: 'destination', description: 'Only those to a cluster with this name', query: 'destination' },
  {
    name: 'label',
    description: 'Only those with this label, `name=value` or `name`; several times for several',
    kind: 'texts',
    query: 'label',
  },
];

/** Returns labels as the API has them; undefined without the flag. @throws UserError USAGE for one without a value */
export function labelsOf({ label }: Values): Record<string, string> | undefined {
  return label === undefined ? undefined : Object.fromEntries((label as readonly string[]).map(parsed));
}

function parsed(text: string): readonly [name: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UserError('USAGE', [`--label is name=value, such as team=payments, not ${text}`]);
  return [text.slice(0, at), text.slice(at + 1)];
}
