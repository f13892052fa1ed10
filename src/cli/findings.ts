import type { Finding } from '../engine/index.ts';

/** Findings as people read them, by severity, each with its remedy; nothing where there is none. */
export function findingsText(findings: readonly Finding[]): string {
  const of = (wanted: Finding['severity']) => findings.filter(({ severity }) => severity === wanted);
  return section('Errors: these keep a migration from starting', of('error')) + section('Warnings', of('warning'));
}

function section(title: string, findings: readonly Finding[]): string {
  if (findings.length === 0) return '';
  const lines = findings.map(({ code, message, remedy }) => `  ${message} [${code}]\n    ${remedy}\n`);
  return `\n${title} (${findings.length})\n${lines.join('')}`;
}
