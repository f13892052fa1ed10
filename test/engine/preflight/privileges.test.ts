import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Document } from 'mongodb';
import { makeMigrationUser } from '../../../src/destination/index.ts';
import { type MigrationOptions, preflight } from '../../../src/engine/index.ts';
import { grantCommand } from '../../../src/engine/preflight/missing-privileges.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { LEAST_ROLES } from '../../support/least-privilege.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { type NeededPrivilege, privilegesTable, resourceOf } from './privileges-table.ts';

const SIDES = ['source', 'destination'] as const;
const BLOCK = 'destination, if it can be';

/** The tasks of a migration for which its user needs more privileges. */
type Asked = Required<Pick<MigrationOptions, 'reversible' | 'usersAndRoles'>>;

describe('the table of privileges in docs/secure/privileges.md', {
  skip: needsSource('6.0', 'less is asked'),
}, () => {
  const table = privilegesTable();
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });

  const look = (changes: Partial<MigrationOptions>) =>
    preflight({
      migrationId: newId(),
      source: { uri: pair.source.uri },
      destination: { uri: pair.destination.uri },
      usersAndRoles: true,
      dropDestination: false,
      logger: silentLogger,
      ...changes,
    });

  /** Returns the findings of preflight about a user of this side who has only this role. */
  const named = async (side: 'source' | 'destination', privileges: Document[], roles: string[] = []) => {
    const set = pair[side];
    const admin = set.client.db('admin');
    await admin.command({ createRole: 'tried', privileges, roles });
    await set.createUser('tried', 'secret', ['tried']);
    const findings = await look({ [side]: { uri: set.uriFor('tried', 'secret') } });
    await admin.command({ dropUser: 'tried' });
    await admin.command({ dropRole: 'tried' });
    return {
      missing: findings.filter(({ code }) => code === 'MISSING_PRIVILEGE').flatMap(lacking),
      unprotected: findings.some(({ code }) => code === 'DESTINATION_UNPROTECTED'),
    };
  };

  for (const side of SIDES) {
    const rows = table.filter(({ who }) => who.startsWith(side));

    test(`has all that is asked of a user of the ${side}, and each that is missing is named, and no other`, async () => {
      assert.ok(rows.length > 10);
      for (const row of [undefined, ...rows]) {
        const privileges = rows
          .filter((one) => one !== row)
          .map((one) => ({ resource: resourceOf(one), actions: [one.action] }));
        const { missing, unprotected } = await named(side, privileges);
        const isBlock = row?.who === BLOCK;
        const expected = row === undefined || isBlock ? [] : [`${row.action} on ${row.on}`];
        assert.deepEqual(missing, expected, row && `${row.action} on ${row.on}`);
        assert.equal(unprotected, isBlock, row?.action);
      }
    });

    test(`has the roles of the server with which a user of the ${side} has them`, async () => {
      for (const row of rows)
        assert.deepEqual(await rolesWith(pair[side], row, LEAST_ROLES[side]), row.roles.toSorted(), row.action);
    });

    test(`shows what a user of the ${side} lacks that has all its roles but one`, async () => {
      for (const role of LEAST_ROLES[side]) {
        const { missing } = await named(
          side,
          [],
          LEAST_ROLES[side].filter((other) => other !== role),
        );
        const alone = rows.filter(({ who, roles }) => who !== BLOCK && roles.length === 1 && roles[0] === role);
        assert.deepEqual(missing.toSorted(), alone.map(({ action, on }) => `${action} on ${on}`).toSorted(), role);
      }
    });
  }

  test('is satisfied by the one command that ends the finding, whatever roles the user has, and so is every check', async () => {
    for (const side of SIDES) {
      const set = pair[side];
      const admin = set.client.db('admin');
      const listing = { resource: { cluster: true }, actions: ['listDatabases'] };
      await admin.command({ createRole: 'own', privileges: [listing], roles: [] });
      for (const [number, before] of [[], LEAST_ROLES[side].slice(0, 1), ['own'], ['own']].entries()) {
        const user = `tried${number}`;
        await set.createUser(user, 'secret', before);
        const found = () => look({ [side]: { uri: set.uriFor(user, 'secret') } });
        const [only, ...more] = (await found()).filter(({ code }) => code === 'MISSING_PRIVILEGE');
        assert.deepEqual(more, [], 'one finding for a user');
        const command = /: db\.getSiblingDB\("admin"\)\.grantRolesToUser\("(.+)", (\[.+\])\)$/.exec(only?.remedy ?? '');
        assert.equal(command?.[1], user, only?.remedy);
        await admin.command({ grantRolesToUser: user, roles: JSON.parse(command?.[2] ?? '') });
        const codes = (await found()).map(({ code }) => code);
        assert.deepEqual(
          codes.filter((code) => /PRIVILEGE|^CHECK_|UNSEEN|UNPROTECTED/.test(code)),
          [],
        );
      }
      for (const number of [0, 1, 2, 3]) await admin.command({ dropUser: `tried${number}` });
      await admin.command({ dropRole: 'own' });
    }
  });

  test('has one custom role for each user that has all those roles of the server and still lacks something', () => {
    const missing = [{ action: 'inprog', resource: { cluster: true } }] as const;
    const commands = ['ann', 'bob'].map((user) =>
      grantCommand({ user, db: 'admin', roles: LEAST_ROLES.source }, 'source', missing),
    );
    const names = commands.map((command) => /createRole\(\{"role":"(.+?)"/.exec(command)?.[1]);
    assert.deepEqual(names, ['linkspan-source-admin.ann', 'linkspan-source-admin.bob']);
    assert.match(
      commands[0] ?? '',
      /; .*grantRolesToUser\("ann", \[\{"role":"linkspan-source-admin\.ann","db":"admin"\}\]\)$/,
    );
  });

  test('asks nothing but what the user made for the migration has, and names what one for less lacks', async () => {
    const lacking = async (asked: Asked, made = asked) => {
      const name = `own-${[asked, made].map(({ reversible, usersAndRoles }) => `${reversible}-${usersAndRoles}`).join('-')}`;
      await makeMigrationUser(
        pair.destination.uri,
        { name, password: 'secret', ...made },
        new AbortController().signal,
      );
      const destination = { uri: pair.destination.uriFor(name, 'secret') };
      const findings = await look({ destination, ...asked });
      return findings
        .filter(({ code, message }) => code === 'DESTINATION_UNPROTECTED' || / on the destination /.test(message))
        .map(({ message }) => message)
        .join();
    };
    const plain = { reversible: false, usersAndRoles: false };
    const reversible = { reversible: true, usersAndRoles: false };
    const withAccounts = { reversible: false, usersAndRoles: true };
    for (const asked of [plain, reversible, withAccounts, { reversible: true, usersAndRoles: true }])
      assert.equal(await lacking(asked), '', JSON.stringify(asked));
    assert.match(await lacking(reversible, plain), /admin\.own-true-.* lacks .*appendOplogNote on the cluster/);
    assert.match(await lacking(withAccounts, plain), /find on admin\.system\.users; createUser, .* on all databases/);
  });

  test('asks of a reversible migration of users and roles that each side can read and make them', async () => {
    const roles = ['readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor', 'restore'];
    await pair.destination.createUser('makes-accounts', 'secret', roles);
    const destination = { uri: pair.destination.uriFor('makes-accounts', 'secret') };
    const lacking = async (reversible: boolean) => {
      const findings = await look({ destination, usersAndRoles: true, reversible });
      return findings.filter(({ code }) => code === 'MISSING_PRIVILEGE').map(({ message }) => message);
    };
    assert.deepEqual(await lacking(false), []);
    assert.match(
      (await lacking(true)).join(),
      /admin\.makes-accounts on the destination .*find on admin\.system\.roles/,
    );
  });

  test('has the roles by which a registered user makes those of migrations', async () => {
    const rows = table.filter(({ who }) => who === 'registered user');
    assert.deepEqual(
      rows.map(({ action }) => action),
      ['createUser', 'dropUser', 'createRole', 'dropRole', 'grantRole'],
    );
    const roles = ['userAdmin', 'userAdminAnyDatabase'];
    for (const row of rows) assert.deepEqual(await rolesWith(pair.destination, row, roles), row.roles, row.action);
  });
});

/** The privileges that the finding about a user names, in the form of the table. */
function lacking({ message }: { readonly message: string }): string[] {
  const [, list = ''] = /^User admin\.tried on the \w+ lacks privileges: (.+)\.$/.exec(message) ?? [];
  return list.split('; ').flatMap((place) => {
    const [actions = '', on = ''] = place.split(' on ');
    return actions.split(', ').map((action) => `${action} on ${on}`);
  });
}

/** Returns those of the built-in roles that have the privilege. */
async function rolesWith({ client }: ReplicaSet, row: NeededPrivilege, names: readonly string[]): Promise<string[]> {
  const rolesInfo = names.map((role) => ({ role, db: 'admin' }));
  const { roles } = await client.db('admin').command({ rolesInfo, showPrivileges: true });
  const wanted = resourceOf(row);
  const covers = ({ resource, actions }: Document) =>
    actions.includes(row.action) &&
    (resource.anyResource === true ||
      ('cluster' in wanted
        ? resource.cluster === true
        : [wanted.db, ''].includes(resource.db) && resource.collection === wanted.collection));
  const having = (roles as Document[]).filter(({ inheritedPrivileges }) => inheritedPrivileges.some(covers));
  return having.map(({ role }) => role).sort();
}
