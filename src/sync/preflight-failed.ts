import type { Finding } from '../contract/index.ts';
import { UserError } from '../platform/index.ts';

/** PREFLIGHT_FAILED, with all findings of the preflight. */
export class PreflightFailed extends UserError {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    const list = errorsOf(findings).map(({ code, message, remedy }) => `${message} ${remedy} [${code}]`);
    super('PREFLIGHT_FAILED', [list.join(' ')]);
    this.findings = findings;
  }

  /** The findings that prevent the start. */
  get errors(): readonly Finding[] {
    return errorsOf(this.findings);
  }
}

function errorsOf(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ severity }) => severity === 'ERROR');
}
