import type { FastifyInstance } from 'fastify';
import { traceWork } from '../platform/index.ts';

const FIRST_SERVER_ERROR = 500;

/** Traces every request by its route, whose parameters have no values (OpenTelemetry's semantic conventions for HTTP). */
export function traceRequests(app: FastifyInstance): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions, headers } = request;
    const { statusCode, elapsedTime } = reply;
    const route = routeOptions.url;
    const endedAtMs = Date.now();
    traceWork({
      name: route === undefined ? method : `${method} ${route}`,
      startedAtMs: endedAtMs - elapsedTime,
      endedAtMs,
      attributes: {
        'http.request.method': method,
        ...(route === undefined ? {} : { 'http.route': route }),
        'http.response.status_code': statusCode,
      },
      hasFailed: statusCode >= FIRST_SERVER_ERROR,
      answers: headers,
    });
    done();
  });
}
