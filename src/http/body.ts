import type { z } from 'zod';
import { type ErrorCode, errorCatalogue, UserError, validate } from '../platform/index.ts';

/**
 * Reads a request's JSON body.
 * @returns the output of the schema
 * @throws UserError MALFORMED_JSON, INVALID_JSON, INVALID_JSON_ATTRIBUTE, MISSING_ATTRIBUTE, INVALID_ATTRIBUTE, INVALID_ENUM_VALUE,
 *   VALIDATION_ERROR, or the code that a schema's custom issue names (see {@link issueOf})
 */
export function readBody<T>(schema: z.ZodType<T>, bytes: Buffer): T {
  const value = parseJson(bytes);
  const result = validate(schema, value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw issue ? errorOf(issue, value) : new UserError('INVALID_JSON');
}

/** An issue for a schema's custom check; {@link readBody} throws it as the named error. */
export function issueOf(code: ErrorCode, parameters: readonly string[]): { code: 'custom'; params: object } {
  return { code: 'custom', params: { error: code, parameters } };
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(strictUtf8.decode(bytes));
  } catch {
    throw new UserError('MALFORMED_JSON');
  }
}

function errorOf(issue: z.core.$ZodIssue, body: unknown): UserError {
  const path = issue.path.map(String).join('.');
  switch (issue.code) {
    case 'invalid_type':
      if (path === '') return new UserError('INVALID_JSON');
      return new UserError(isAbsent(body, issue.path) ? 'MISSING_ATTRIBUTE' : 'INVALID_JSON_ATTRIBUTE', [path]);
    case 'unrecognized_keys':
      return new UserError('INVALID_ATTRIBUTE', [[...issue.path, ...issue.keys.slice(0, 1)].join('.').slice(0, 100)]);
    case 'invalid_value':
      if (isAbsent(body, issue.path)) return new UserError('MISSING_ATTRIBUTE', [path]);
      return new UserError('INVALID_ENUM_VALUE', [path, issue.values.filter((value) => value !== '').join(', ')]);
    case 'invalid_key':
      return new UserError('VALIDATION_ERROR', [`${path}: the name ${issue.issues[0]?.message ?? 'is not allowed'}`]);
    case 'custom':
      return customError(issue.params, path);
    default:
      return new UserError('VALIDATION_ERROR', [path === '' ? issue.message : `${path}: ${issue.message}`]);
  }
}

function customError(params: Record<string, unknown> | undefined, path: string): UserError {
  const code = params?.error;
  if (typeof code !== 'string' || !isErrorCode(code)) return new UserError('INVALID_ATTRIBUTE', [path]);
  const parameters = Array.isArray(params?.parameters) ? params.parameters.map(String) : [];
  return new UserError(code, parameters);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}

function isAbsent(body: unknown, path: readonly PropertyKey[]): boolean {
  let value = body;
  for (const key of path) {
    if (value === null || typeof value !== 'object') return true;
    value = Reflect.get(value, key);
  }
  return value === undefined;
}
