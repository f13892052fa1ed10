import { type Method, type OperationId, routeOf as routeOfOperation } from '../../contract/index.ts';
import type { AdministrationCommand } from './command.ts';

/** The names of flags and profile that fill parameters of a path, where the API has other names. */
const NAMES: Readonly<Record<string, string>> = { groupId: 'projectId', apiUserId: 'apiKey', ipAddress: 'entry' };

/**
 * Returns method and path of a command's request, or of another operation with the same parameters. The path has `{name}` for values: flags or the
 * profile give `{orgId}` and `{projectId}`; flags or the argument give others.
 */
export function routeOf(
  { operation, placeholders }: AdministrationCommand,
  other: OperationId = operation,
): { readonly method: Method; readonly path: string } {
  const { method, path } = routeOfOperation(other);
  const names = { ...NAMES, ...placeholders };
  return { method, path: path.replace(/\w+(?=\})/g, (name) => names[name] ?? name) };
}
