import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, UserError } from '../platform/index.ts';
import { PLAIN, present } from './presentation.ts';
import { atlasError } from './problem.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Errors for the codes of Node's HTTP parser; every other code is a MALFORMED_REQUEST. */
const PARSER_ERRORS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
};

/** Answers a malformed or unfinished HTTP request in the same form as all other errors, and closes the connection. */
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
