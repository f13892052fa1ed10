import type { Finding } from '../contract/index.ts';
import { UserError } from '../platform/index.ts';

/** PREFLIGHT_FAILED, with all findings of the preflight. */
export class PreflightFailed extends UserError {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    const errors = findings.filter(({ severity }) => severity === 'ERROR');
    const list = errors.map(({ code, message, remedy }) => `${message} ${remedy} [${code}]`).join(' ');
    super('PREFLIGHT_FAILED', [list]);
    this.findings = findings;
  }
}
