import { styleText } from 'node:util';
import { hasColours, type Output } from './terminal.ts';

/** What a colour means; the text says the same without it. */
export type Meaning = 'error' | 'warning' | 'good' | 'heading' | 'aside';

const STYLES = { error: 'red', warning: 'yellow', good: 'green', heading: 'bold', aside: 'dim' } as const;

/** Colours a text where the output shows colours. */
export function colour(meaning: Meaning, text: string, output: Output): string {
  return hasColours(output) ? styleText(STYLES[meaning], text, { validateStream: false }) : text;
}
