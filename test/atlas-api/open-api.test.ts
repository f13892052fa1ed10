import assert from 'node:assert/strict';
import { test } from 'node:test';
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
