import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupRoleAssignments, organizationApiKeyRequest } from '../../src/atlas-api/api-key-schemas.ts';
import { openApiDocument } from '../../src/atlas-api/open-api.ts';
import { operations } from '../../src/atlas-api/operations.ts';
import { ORGANIZATION_ROLES } from '../../src/control/index.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly pattern?: string;
  readonly format?: string;
  readonly enum?: unknown;
  readonly const?: unknown;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly properties?: Record<string, Schema>;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Document {
  readonly paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema }> } }>>;
  readonly components: { readonly schemas: Record<string, Schema> };
}

const DOCUMENT = openApiDocument(operations) as Document;
/** A pattern with a limit in it, such as those of an id and of a host. */
const LIMITED = /^\^\[[^\]]+\]\{(\d+,)?\d+\}\$$/;

/** The paths of all texts and lists in a schema that have no limit. */
function unlimited(schema: Schema, at: string): string[] {
  const named = schema.$ref?.split('/').at(-1);
  if (named !== undefined) return unlimited(DOCUMENT.components.schemas[named] ?? {}, at);
  const { type, properties = {}, items, prefixItems = [], additionalProperties } = schema;
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? []), ...prefixItems];
  const isText = type === 'string' && schema.enum === undefined && schema.const === undefined;
  const isLimited = schema.maxLength !== undefined || LIMITED.test(schema.pattern ?? '');
  return [
    ...(isText && !isLimited ? [at] : []),
    ...(type === 'array' && schema.maxItems === undefined ? [`${at}[]`] : []),
    ...(typeof additionalProperties === 'object' && schema.maxProperties === undefined ? [`${at}{}`] : []),
    ...parts.flatMap((part) => unlimited(part, at)),
    ...(items ? unlimited(items, `${at}[]`) : []),
    ...Object.entries(properties).flatMap(([name, part]) => unlimited(part, `${at}.${name}`)),
  ];
}

test('every text and every list in a request body has a limit', () => {
  let bodies = 0;
  for (const [path, methods] of Object.entries(DOCUMENT.paths)) {
    for (const [method, { requestBody }] of Object.entries(methods)) {
      for (const { schema } of Object.values(requestBody?.content ?? {})) {
        bodies += 1;
        assert.deepEqual(unlimited(schema, ''), [], `${method} ${path}`);
      }
    }
  }
  assert.ok(bodies > 40);
});

test('a list that is longer than its limit is refused before its items are checked', () => {
  const bad = Array<number>(100_000).fill(0);
  const roles = organizationApiKeyRequest.safeParse({ desc: 'd', roles: bad });
  assert.deepEqual(
    roles.error?.issues.map(({ code }) => code),
    ['too_big'],
  );
  const assignments = groupRoleAssignments.safeParse(bad);
  assert.deepEqual(
    assignments.error?.issues.map(({ code }) => code),
    ['too_big'],
  );
});

const roleNamesOf = (json: unknown) =>
  (json as { roles: { roleName: string }[] }).roles.map(({ roleName }) => roleName).toSorted();

test('a role that is given many times is stored once, and more roles than exist are refused', async () => {
  await using plane = await startControlPlane();
  const org = `/api/atlas/v2/orgs/${plane.orgId}`;
  const twice = ['ORG_MEMBER', 'ORG_READ_ONLY', 'ORG_MEMBER'];
  const once = ['ORG_MEMBER', 'ORG_READ_ONLY'];
  const made = await plane.api('POST', `${org}/apiKeys`, { body: { desc: 'd', roles: twice } });
  assert.deepEqual(roleNamesOf(made.json), once);
  const changed = await plane.api('PATCH', `${org}/apiKeys/${made.json.id}`, { body: { roles: twice } });
  assert.deepEqual(roleNamesOf(changed.json), once);
  const account = { name: 'n', description: '', roles: twice, secretExpiresAfterHours: 8 };
  const madeAccount = await plane.api('POST', `${org}/serviceAccounts`, { body: account });
  assert.deepEqual([...(madeAccount.json.roles as string[])].toSorted(), once);
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'p', orgId: plane.orgId } });
  const inGroup = await plane.api('POST', `/api/atlas/v2/groups/${group.json.id}/apiKeys`, {
    body: { desc: 'd', roles: ['GROUP_OWNER', 'GROUP_OWNER'] },
  });
  assert.deepEqual(roleNamesOf(inGroup.json), ['GROUP_OWNER', 'ORG_MEMBER']);

  const roles = Array(ORGANIZATION_ROLES.length + 1).fill('ORG_OWNER');
  const refused: [string, string, object][] = [
    ['POST', `${org}/apiKeys`, { desc: 'd', roles }],
    ['PATCH', `${org}/apiKeys/${made.json.id}`, { roles }],
    ['POST', `${org}/serviceAccounts`, { ...account, roles }],
    ['PATCH', `${org}/serviceAccounts/${madeAccount.json.clientId}`, { roles }],
    ['POST', '/api/atlas/v2/orgs', { name: 'n', apiKey: { desc: 'd', roles } }],
  ];
  for (const [method, path, body] of refused) {
    const answer = await plane.api(method, path, { body });
    assert.deepEqual([answer.status, answer.json.errorCode], [400, 'VALIDATION_ERROR'], `${method} ${path}`);
  }
});

const blocksOf = (second: number, count: number) =>
  Array.from({ length: count }, (_, at) => ({ ipAddress: `10.${second}.0.${at}` }));

async function addTo(plane: ControlPlane, list: string, body: readonly object[]) {
  const { status, json } = await plane.api('POST', list, { body });
  return status < 300 ? status : json.errorCode;
}

test('the access list of a key or an account has at most 200 entries', async () => {
  await using plane = await startControlPlane();
  const org = `/api/atlas/v2/orgs/${plane.orgId}`;
  const key = await plane.api('POST', `${org}/apiKeys`, { body: { desc: 'd', roles: ['ORG_MEMBER'] } });
  const account = await plane.api('POST', `${org}/serviceAccounts`, {
    body: { name: 'n', description: '', roles: ['ORG_MEMBER'], secretExpiresAfterHours: 8 },
  });
  const lists = [
    `${org}/apiKeys/${key.json.id}/accessList`,
    `${org}/serviceAccounts/${account.json.clientId}/accessList`,
  ];
  for (const list of lists) {
    assert.ok(Number(await addTo(plane, list, blocksOf(0, 150))) < 300);
    assert.equal(await addTo(plane, list, blocksOf(1, 51)), 'ACCESS_LIST_LIMIT');
    assert.ok(Number(await addTo(plane, list, blocksOf(1, 50))) < 300);
    assert.equal(await addTo(plane, list, blocksOf(2, 1)), 'ACCESS_LIST_LIMIT');
    assert.equal((await plane.api('DELETE', `${list}/10.0.0.1`)).status, 204);
    assert.ok(Number(await addTo(plane, list, blocksOf(2, 1))) < 300);
  }
});
