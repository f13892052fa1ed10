import type { Finding } from '../../contract/index.ts';
import { colour, type Meaning, type Output, wrap } from '../terminal/index.ts';

/** Formats findings by severity, each with its remedy. Empty if there are none. */
export function findingsText(findings: readonly Finding[], output: Output = process.stdout): string {
  const of = (wanted: Finding['severity']) => findings.filter(({ severity }) => severity === wanted);
  return (
    section('Errors: these keep a migration from starting', 'error', of('ERROR'), output) +
    section('Warnings', 'warning', of('WARNING'), output)
  );
}

function section(title: string, level: Meaning, findings: readonly Finding[], output: Output): string {
  if (findings.length === 0) return '';
  const lines = findings.map(
    ({ code, message, remedy }) =>
      `${wrap(`  ${message} [${code}]`, output, 2)}\n${wrap(`    ${remedy}`, output, 4)}\n`,
  );
  return `\n${colour(level, `${title} (${findings.length})`, output)}\n${lines.join('')}`;
}
