import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiDocument } from '../../src/atlas-api/open-api.ts';
import { operations } from '../../src/atlas-api/operations.ts';
import { startControlPlane } from './control-plane.ts';

interface Description {
  readonly openapi: string;
  readonly paths: Record<
    string,
    Record<string, { responses: Record<string, unknown>; requestBody?: { content: object } }>
  >;
  readonly components: { schemas: Record<string, { required?: string[]; properties: Record<string, unknown> }> };
}

test('the OpenAPI document is open to everybody and lists the eight operations of live migrations in both versions', async () => {
  await using plane = await startControlPlane();
  const response = await fetch(`${plane.url}/openapi.json`);
  assert.equal(response.status, 200);
  const description = (await response.json()) as Description;
  assert.match(description.openapi, /^3\.1/);
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => `${method} ${path} ${Object.keys(responses)[0]}`),
  );
  for (const prefix of ['/api/atlas/v2', '/api/atlas/v1.0']) {
    for (const expected of [
      `post ${prefix}/orgs/{orgId}/liveMigrations/linkTokens 201`,
      `delete ${prefix}/orgs/{orgId}/liveMigrations/linkTokens 204`,
      `get ${prefix}/orgs/{orgId}/liveMigrations/availableProjects 200`,
      `post ${prefix}/groups/{groupId}/liveMigrations/validate 200`,
      `get ${prefix}/groups/{groupId}/liveMigrations/validate/{validationId} 200`,
      `post ${prefix}/groups/{groupId}/liveMigrations 201`,
      `get ${prefix}/groups/{groupId}/liveMigrations/{liveMigrationId} 200`,
      `put ${prefix}/groups/{groupId}/liveMigrations/{liveMigrationId}/cutover 202`,
    ]) {
      assert.ok(operations.includes(expected), expected);
    }
  }
});

test('the schemas of the document are those that validate requests, with the names of Atlas', async () => {
  await using plane = await startControlPlane();
  const { paths, components } = (await (await fetch(`${plane.url}/openapi.json`)).json()) as Description;
  const create = paths['/api/atlas/v2/groups/{groupId}/liveMigrations']?.post;
  assert.deepEqual(Object.keys(create?.requestBody?.content ?? {}), [
    'application/vnd.atlas.2023-01-01+json',
    'application/vnd.atlas.2024-05-30+json',
  ]);
  const older = components.schemas.LiveMigrationRequest;
  assert.deepEqual(older?.required?.toSorted(), ['destination', 'dropEnabled', 'migrationHosts', 'source']);
  const newer = components.schemas.LiveMigrationRequest20240530;
  assert.deepEqual(newer?.required?.toSorted(), ['destination', 'migrationHosts', 'source']);
  for (const name of ['TargetOrg', 'TargetOrgRequest', 'LiveImportValidation', 'LiveMigrationResponse', 'ApiError']) {
    assert.ok(components.schemas[name], name);
  }
});

/** An operation, as generators of clients read it. */
interface Described {
  readonly operationId: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly responses: unknown;
}

const DOCUMENT = openApiDocument(operations) as {
  readonly servers: readonly object[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
};
const DESCRIBED = Object.values(DOCUMENT.paths).flatMap((methods) => Object.values(methods));

/** Yields each object in a part of the document, and in the components that it refers to. */
function* objectsIn(part: unknown, seen = new Set<unknown>()): Generator<Readonly<Record<string, unknown>>> {
  if (part === null || typeof part !== 'object' || seen.has(part)) return;
  seen.add(part);
  yield part as Readonly<Record<string, unknown>>;
  for (const inner of Object.values(part)) yield* objectsIn(inner, seen);
  const named = /^#\/components\/schemas\/(.+)$/.exec(String(Reflect.get(part, '$ref')))?.[1];
  if (named !== undefined) yield* objectsIn(DOCUMENT.components.schemas[named], seen);
}

test('each operation has one id, one declared tag and a summary, and the description names its server', () => {
  const ids = DESCRIBED.map(({ operationId }) => operationId);
  assert.deepEqual([new Set(ids).size, ids.length > 100], [ids.length, true]);
  const declared = new Set(DOCUMENT.tags.map(({ name }) => name));
  const odd = DESCRIBED.filter(({ tags, summary }) => tags?.length !== 1 || !declared.has(tags[0] ?? '') || !summary);
  assert.deepEqual(odd, []);
  const v2 = Object.entries(DOCUMENT.paths).filter(([path]) => path.startsWith('/api/atlas/v2'));
  const [first] = v2.flatMap(([, methods]) => Object.values(methods));
  assert.deepEqual(first?.tags, ['Cloud Migration Service']);
  assert.equal(DOCUMENT.servers.length, 1);
});

test('no schema is a tuple, which generators of clients fail on', () => {
  const tuples = [...objectsIn(DOCUMENT)].filter((part) => part.prefixItems !== undefined || part.items === false);
  assert.deepEqual(tuples, []);
  const hosts = [...objectsIn(DOCUMENT.components.schemas.LiveMigrationRequest20240530)].find(
    (part) => part.maxItems === 1,
  );
  assert.deepEqual(hosts?.items, { type: 'string', minLength: 1, maxLength: 255 });
});

test('answers allow fields of later versions, and bodies of requests allow none', () => {
  const answers = [...objectsIn(DESCRIBED.map(({ responses }) => responses))];
  assert.deepEqual(
    answers.filter(({ additionalProperties }) => additionalProperties === false),
    [],
  );
  assert.ok(answers.some(({ properties }) => properties !== undefined));
  const request = DOCUMENT.components.schemas.LiveMigrationRequest20240530 as {
    readonly additionalProperties: unknown;
  };
  assert.equal(request.additionalProperties, false);
});
