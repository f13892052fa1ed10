import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
} from 'zod-openapi';
import { AUDIT_TARGET_KINDS } from '../control/index.ts';
import { versionedMediaType } from '../http/index.ts';
import { version as release } from '../platform/index.ts';
import type { TaggedOperation } from './operation.ts';
import { apiError, id } from './schemas.ts';

const ERROR_STATUSES = [
  '400',
  '401',
  '403',
  '404',
  '406',
  '409',
  '410',
  '413',
  '415',
  '429',
  '500',
  '503',
  '507',
] as const;

const LIMIT_HEADERS = {
  'RateLimit-Limit': { description: 'Maximum number of requests in a burst.', schema: { type: 'integer' } },
  'RateLimit-Remaining': { description: 'Number of requests left now.', schema: { type: 'integer' } },
} as const;
const RETRY_AFTER = {
  'Retry-After': { description: 'Seconds to wait before the next request.', schema: { type: 'integer' } },
} as const;

/** Path parameters that are not ids. */
const TEXT_PARAMETERS = ['clusterName', 'groupName', 'clientId', 'ipAddress'];

const QUERY_PARAMETERS = {
  envelope: z
    .boolean()
    .optional()
    .meta({ description: 'Wrap the answer in an object with its status, for clients that see no headers.' }),
  pretty: z.boolean().optional().meta({ description: 'Indent the answer.' }),
  pageNum: z.int().min(1).optional(),
  itemsPerPage: z.int().min(1).max(500).optional(),
  includeCount: z.boolean().optional(),
  name: z.string().optional().meta({ description: 'Only items whose name starts with this text.' }),
  eventType: z.array(z.string()).optional().meta({ description: 'Only events of these types.' }),
  namespace: z.string().optional().meta({ description: 'Only items whose namespace contains this text, in any case.' }),
  minDate: z.iso.datetime().optional().meta({ description: 'Only events at or after this time.' }),
  maxDate: z.iso.datetime().optional().meta({ description: 'Only events at or before this time.' }),
  actorName: z.string().optional().meta({
    description: 'Only events of this API key (public key), service account (client id) or agent (host name).',
    'x-linkspan-extension': true,
  }),
  targetKind: z.enum(AUDIT_TARGET_KINDS).optional().meta({
    description: 'Only events about something of this kind.',
    'x-linkspan-extension': true,
  }),
  targetId: z
    .string()
    .optional()
    .meta({
      description:
        'Only events about what has this id: the id of a migration, validation, cluster, agent, link or link-token, a name of a cluster, ' +
        'a public key, a client id, or the host of an agent.',
      'x-linkspan-extension': true,
    }),
  span: z.enum(['SECOND', 'MINUTE']).optional().meta({
    description:
      '`SECOND`: a sample a second, of the last hour (default); `MINUTE`: a sample a minute, of the last 30 days.',
  }),
  since: z.iso.datetime().optional().meta({ description: 'Only samples after this time.' }),
  status: z.string().optional().meta({ description: 'Only migrations with this status; several with commas.' }),
  source: z.string().optional().meta({ description: 'Only migrations from a cluster with this name.' }),
  destination: z.string().optional().meta({ description: 'Only migrations to a cluster with this name.' }),
  label: z
    .array(z.string())
    .optional()
    .meta({ description: 'Only migrations with this label: `name=value`, or `name`. Several times for several.' }),
} as const;

const idempotencyKey = z
  .string()
  .regex(/^[!-~]{1,255}$/)
  .optional()
  .meta({
    description:
      'A key of your own. Repeating the request with the same key returns the migration that the first one created, also once it has ended.',
    'x-linkspan-extension': true,
  });

const streamOf = z.string().meta({
  description:
    'Server-sent events, for `Accept: text/event-stream`: `snapshot` with the whole answer as JSON whenever it changes, with an id for ' +
    '`Last-Event-ID`; `end` with `errorCode` and `detail` when the access ends.',
});

/** The tag of all operations under v1.0, which have the same names and forms as under v2. */
const V1_TAG = 'Version 1.0';

/**
 * The OpenAPI 3.1 description of the operations, generated from the schemas that validate their requests. Answers allow further fields, which later
 * versions will have.
 */
export function openApiDocument(operations: readonly TaggedOperation[]): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const operation of operations) {
    for (const prefix of ['/api/atlas/v2', '/api/atlas/v1.0']) {
      const path = prefix + operation.path;
      const method = operation.method.toLowerCase();
      paths[path] = { ...paths[path], [method]: describe(operation, prefix.endsWith('v2')) };
    }
  }
  const document: ZodOpenApiObject = {
    openapi: '3.1.0',
    info: {
      title: 'Linkspan',
      version: release,
      description:
        'The part of the MongoDB Atlas Administration API that live migrations need. Operations marked x-linkspan-extension differ from it.',
    },
    servers: [{ url: '/', description: 'The server that this description comes from.' }],
    tags: [...new Set(operations.map(({ tag }) => tag)), V1_TAG].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        DigestAuth: { type: 'http', scheme: 'digest', description: 'Public and private key of an API key.' },
        ServiceAccounts: {
          type: 'oauth2',
          flows: { clientCredentials: { tokenUrl: '/api/oauth/token', scopes: {} } },
        },
      },
    },
    security: [{ DigestAuth: [] }, { ServiceAccounts: [] }],
  };
  return createDocument(document, {
    override: ({ jsonSchema, io }) => {
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      const [item, ...others] = jsonSchema.prefixItems ?? [];
      // Generators of clients fail on a tuple. The only one has a single item.
      if (item !== undefined && others.length === 0) {
        delete jsonSchema.prefixItems;
        Object.assign(jsonSchema, { items: item, minItems: 1, maxItems: 1 });
      }
    },
  });
}

function describe(operation: TaggedOperation, isVersioned: boolean): ZodOpenApiOperationObject {
  const { operationId, summary, tag, status, response, versions } = operation;
  const served = isVersioned ? versions : versions.slice(0, 1);
  const mediaType = (version: string) => (isVersioned ? versionedMediaType(version) : 'application/json');
  const parameters = [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const query = ['envelope', 'pretty', ...(operation.query ?? [])] as const;
  const body = served.flatMap(({ version, body: schema }) => (schema ? [[mediaType(version), { schema }]] : []));
  return {
    operationId: isVersioned ? operationId : `${operationId}V1`,
    summary,
    tags: [isVersioned ? tag : V1_TAG],
    ...(operation.extension ? { 'x-linkspan-extension': true } : {}),
    requestParams: {
      path: z.object(
        Object.fromEntries(parameters.map((name) => [name, TEXT_PARAMETERS.includes(name) ? z.string() : id])),
      ),
      query: z.object(Object.fromEntries(query.map((name) => [name, QUERY_PARAMETERS[name]]))),
      ...(operation.takesIdempotencyKey && { header: z.object({ 'Idempotency-Key': idempotencyKey }) }),
    },
    ...(body.length > 0 ? { requestBody: { required: true, content: Object.fromEntries(body) } } : {}),
    responses: {
      [status]: {
        description: STATUS_CODES[status] ?? '',
        headers: LIMIT_HEADERS,
        ...(response
          ? {
              content: {
                ...Object.fromEntries(served.map(({ version }) => [mediaType(version), { schema: response }])),
                ...(operation.live ? { 'text/event-stream': { schema: streamOf } } : {}),
              },
            }
          : {}),
      },
      ...Object.fromEntries(
        ERROR_STATUSES.map((code) => [
          code,
          {
            description: STATUS_CODES[code] ?? '',
            ...(code === '429' ? { headers: { ...LIMIT_HEADERS, ...RETRY_AFTER } } : {}),
            content: { 'application/json': { schema: apiError } },
          },
        ]),
      ),
    },
  };
}
