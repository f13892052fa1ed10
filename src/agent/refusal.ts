import { z } from 'zod';
import { type ErrorCode, errorCatalogue, UserError } from '../platform/index.ts';

/** The gateway's answer to a request that it refuses. */
const refusal = z.object({ errorCode: z.string(), detail: z.string() });

/** Codes that end the link permanently. All other errors may be transient. */
const FINAL: readonly ErrorCode[] = ['LINK_DELETED', 'LINK_REVOKED', 'AGENT_SUPERSEDED', 'AGENT_UNKNOWN'];

/** Whether an error ends the link. */
export function endsLink(error: unknown): error is UserError {
  return error instanceof UserError && FINAL.includes(error.code);
}

/** Converts a refusal to the control plane's own error. An unknown error, or one of a proxy, becomes CONTROL_PLANE_REFUSED, or UNREACHABLE for a 5xx. */
export function toUserError(serverUrl: string, status: number, answer: unknown): UserError {
  const read = refusal.safeParse(answer);
  if (read.success && isErrorCode(read.data.errorCode)) {
    const { errorCode, detail } = read.data;
    return new UserError(errorCode, parametersOf(errorCatalogue[errorCode].detail, detail));
  }
  const said = read.success ? `${read.data.detail} [${read.data.errorCode}]` : `HTTP ${status}`;
  return new UserError(status >= 500 ? 'CONTROL_PLANE_UNREACHABLE' : 'CONTROL_PLANE_REFUSED', [serverUrl, said]);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}

/** The texts of `detail` at the places of `%` in `template`. */
function parametersOf(template: string, detail: string): string[] {
  const pattern = template.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('%', '(.*)');
  return new RegExp(`^${pattern}$`).exec(detail)?.slice(1) ?? [detail];
}
