import { styleText } from 'node:util';
import { hasColours, type Output } from './terminal.ts';

/** Meaning of a colour. The text has to say the same without colour. */
export type Meaning = 'error' | 'warning' | 'good' | 'heading' | 'aside';

const STYLES = { error: 'red', warning: 'yellow', good: 'green', heading: 'bold', aside: 'dim' } as const;

/** Colours a text if the output shows colours. */
export function colour(meaning: Meaning, text: string, output: Output): string {
  return hasColours(output) ? styleText(STYLES[meaning], text, { validateStream: false }) : text;
}
