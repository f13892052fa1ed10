import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, UserError } from '../platform/index.ts';
import { PLAIN, present } from './presentation.ts';
import { atlasError } from './problem.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Node's codes of what its HTTP parser refuses; all others are mistakes of form. */
const PARSER_ERRORS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
};

/** Answers what is no HTTP request, or does not end, in the form of all other errors, and hangs up. */
export function answerMalformedRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const body = atlasError(new UserError(PARSER_ERRORS[error.code ?? ''] ?? 'MALFORMED_REQUEST', []));
  const bytes = Buffer.from(present(body.error, body, PLAIN));
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': 'application/json',
    'content-length': bytes.length,
    'x-error-code': body.errorCode,
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (socket.writable) {
    socket.write(`HTTP/1.1 ${body.error} ${STATUS_CODES[body.error]}\r\n${lines.join('')}\r\n`);
    socket.write(bytes);
  }
  socket.destroy(error);
}
