import { openApiDocument } from '../../src/atlas-api/open-api.ts';
import { operations } from '../../src/atlas-api/operations.ts';

/** The shown part of a JSON schema. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly 'x-linkspan-extension'?: boolean;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

interface Operation {
  readonly summary: string;
  readonly 'x-linkspan-extension'?: boolean;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly description?: string }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const V2 = '/api/atlas/v2';

/** Returns `docs/reference/api.md`, made from the OpenAPI document. */
export function apiDocument(): string {
  const { paths, components } = openApiDocument(operations) as Description;
  const described = Object.entries(paths)
    .filter(([path]) => path.startsWith(V2))
    .flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, operation]) => describe(method, path.slice(V2.length), operation)),
    );
  const shown = Object.entries(components.schemas).flatMap(([name, schema]) => describeSchema(name, schema));
  return [
    '# API reference',
    '',
    'For programmers who call the API. It lists every operation, with the fields of each request and answer.',
    '[Atlas CLI and curl](../migrate/atlas-cli-and-curl.md) shows how to call it, and [Errors](errors.md) lists every error.',
    '',
    'A build makes this page from the schemas that check requests. `GET /openapi.json` has the same for programs.',
    '',
    'All paths are under `/api/atlas/v2`, where a version is asked for with `Accept: application/vnd.atlas.<date>+json`, and under `/api/atlas/v1.0`,',
    'where they have their oldest version and plain JSON. All take `envelope` and `pretty`. **Extension** marks what Atlas does not have.',
    '',
    '## Operations',
    '',
    ...described,
    '## Schemas',
    '',
    ...shown,
  ].join('\n');
}

function describe(method: string, path: string, operation: Operation): string[] {
  const [status = '', success] = Object.entries(operation.responses)[0] ?? [];
  const query = (operation.parameters ?? []).filter((each) => each.in === 'query').map(({ name }) => `\`${name}\``);
  const more = query.filter((name) => name !== '`envelope`' && name !== '`pretty`');
  return [
    `### ${method.toUpperCase()} ${path || '/'}`,
    '',
    `${operation['x-linkspan-extension'] ? '**Extension.** ' : ''}${operation.summary}.`,
    '',
    ...(more.length > 0 ? [`- query: ${more.join(', ')}`] : []),
    ...Object.entries(operation.requestBody?.content ?? {}).map(
      ([type, { schema }]) => `- body, \`${type}\`: ${typeOf(schema)}`,
    ),
    `- answer: ${status}${contentOf(success?.content)}`,
    '',
  ];
}

function contentOf(content: Content | undefined): string {
  const [first] = Object.values(content ?? {});
  if (!first) return ', without a body';
  return `, ${typeOf(first.schema)} (${Object.keys(content ?? {})
    .map((type) => `\`${type}\``)
    .join(', ')})`;
}

function describeSchema(name: string, schema: Schema): string[] {
  const rows = Object.entries(schema.properties ?? {}).flatMap(([field, inner]) =>
    rowsOf(field, inner, schema.required),
  );
  return [
    `### ${name}`,
    '',
    ...(schema.description ? [schema.description, ''] : []),
    '| field | type | required | |',
    '|---|---|---|---|',
    ...rows,
    '',
  ];
}

/** Returns the rows of a field and of the fields inside it. */
function rowsOf(field: string, schema: Schema, required: readonly string[] = []): string[] {
  const extension = schema['x-linkspan-extension'] ? '**Extension.** ' : '';
  const note = `${extension}${schema.description ?? ''}`.replaceAll('|', '\\|');
  const row = `| \`${field}\` | ${typeOf(schema)} | ${required.includes(field) ? 'yes' : ''} | ${note} |`;
  const inner = schema.properties ? schema : (schema.anyOf ?? []).find(({ properties }) => properties);
  const within = Object.entries(inner?.properties ?? {});
  return [row, ...within.flatMap(([name, part]) => rowsOf(`${field}.${name}`, part, inner?.required))];
}

function typeOf(schema: Schema): string {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.items) return `array of ${typeOf(schema.items)}`;
  if (schema.prefixItems) return `array of ${schema.prefixItems.map(typeOf).join(', ')}`;
  return typeof schema.type === 'string' ? schema.type : (schema.type?.join(' or ') ?? 'any');
}
