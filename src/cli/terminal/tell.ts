import { colour } from './colour.ts';
import { wrap } from './wrap.ts';

/**
 * Writes a message for people to stderr. Outside of terminals it is one line.
 * @param speaker  name of the command, such as `linkspan sync`
 */
export function tell(speaker: string, text: string, level: 'note' | 'warning' | 'error' = 'note'): void {
  const name = level === 'note' ? speaker : colour(level, speaker, process.stderr);
  process.stderr.write(`${wrap(`${name}: ${text}`, process.stderr, 2)}\n`);
}
