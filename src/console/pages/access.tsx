import { call } from '../api/client.ts';
import { readList } from '../api/lists.ts';
import { usePolled } from '../api/polled.ts';
import { holds, mayAct, organizationId } from '../api/session.ts';
import type { ApiKey, ServiceAccount } from '../api/types.ts';
import { Ask } from '../dialogs/ask.tsx';
import { Field, textOf } from '../dialogs/field.tsx';
import { RoleFields, rolesOf } from '../dialogs/role-fields.tsx';
import { Secret } from '../dialogs/secret.tsx';
import { PolledPage } from '../page.tsx';
import { Panel } from '../panels/panel.tsx';
import { type Column, Table } from '../table.tsx';
import { text } from '../text.ts';
import { accessText as words } from '../texts/access.ts';
import { Time } from '../time.tsx';

type Reload = () => Promise<void>;

/** A week: long enough for a trial, short enough for a secret that is forgotten. */
const SECRET_HOURS = 168;

const pathOf = (kind: 'apiKeys' | 'serviceAccounts') => `/orgs/${organizationId()}/${kind}`;

async function readAccess(signal: AbortSignal) {
  const [keys, accounts] = await Promise.all([
    readList<ApiKey>(pathOf('apiKeys'), signal),
    holds('ORG_READ_ONLY') ? readList<ServiceAccount>(pathOf('serviceAccounts'), signal) : undefined,
  ]);
  return { keys, accounts };
}

/** The API keys and service accounts of the organization, with their roles. */
export function AccessPage() {
  const polled = usePolled(readAccess);
  const { reload } = polled;
  return (
    <PolledPage title={text.pages.access} polled={polled}>
      {({ keys, accounts }) => (
        <div class="stack">
          <Keys keys={keys} reload={reload} />
          {accounts && <Accounts accounts={accounts} reload={reload} />}
        </div>
      )}
    </PolledPage>
  );
}

function Keys({ keys, reload }: { readonly keys: readonly ApiKey[]; readonly reload: Reload }) {
  const path = pathOf('apiKeys');
  const create = async (fields: FormData) => {
    const body = { desc: textOf(fields, 'description'), roles: rolesOf(fields) };
    const { publicKey, privateKey } = await call<ApiKey>('POST', path, body);
    await reload();
    return (
      <Secret
        parts={[
          [words.publicKey, publicKey],
          [words.privateKey, privateKey],
        ]}
      />
    );
  };
  const columns: Column<ApiKey>[] = [
    [words.description, (key) => <b>{key.desc}</b>],
    [words.publicKey, (key) => <code>{key.publicKey}</code>],
    [words.roles, (key) => key.roles.map(({ roleName }) => roleName).join(', ')],
    [null, ({ id, publicKey }) => <Delete path={`${path}/${id}`} name={publicKey} reload={reload} />],
  ];
  return (
    <Panel title={words.keys}>
      <Table label={words.keys} columns={columns} rows={keys} keyOf={({ id }) => id} none="–" />
      {mayAct() && (
        <div class="buttons">
          <Ask label={words.createKey} {...words.creation} onSubmit={create}>
            <Field label={words.description} name="description" maxLength={250} required />
            <RoleFields />
          </Ask>
        </div>
      )}
    </Panel>
  );
}

function Accounts({ accounts, reload }: { readonly accounts: readonly ServiceAccount[]; readonly reload: Reload }) {
  const path = pathOf('serviceAccounts');
  const create = async (fields: FormData) => {
    const { clientId, secrets } = await call<ServiceAccount>('POST', path, {
      name: textOf(fields, 'name'),
      description: textOf(fields, 'description'),
      roles: rolesOf(fields),
      secretExpiresAfterHours: Number(textOf(fields, 'hours')),
    });
    await reload();
    return (
      <Secret
        parts={[
          [words.clientId, clientId],
          [words.secret, secrets[0]?.secret ?? ''],
        ]}
      />
    );
  };
  const columns: Column<ServiceAccount>[] = [
    [words.name, (account) => <b>{account.name}</b>],
    [words.description, (account) => account.description],
    [words.clientId, (account) => <code>{account.clientId}</code>],
    [words.roles, (account) => account.roles.join(', ')],
    [words.expires, (account) => <Expiry account={account} />],
    [null, ({ clientId, name }) => <Delete path={`${path}/${clientId}`} name={name} reload={reload} />],
  ];
  return (
    <Panel title={words.accounts}>
      <Table label={words.accounts} columns={columns} rows={accounts} keyOf={({ clientId }) => clientId} none="–" />
      {mayAct() && (
        <div class="buttons">
          <Ask label={words.createAccount} {...words.accountCreation} onSubmit={create}>
            <Field label={words.name} name="name" maxLength={64} required />
            <Field label={words.description} name="description" maxLength={250} />
            <Field
              label={words.hours}
              name="hours"
              type="number"
              min="8"
              max="8760"
              defaultValue={SECRET_HOURS}
              required
            />
            <RoleFields />
          </Ask>
        </div>
      )}
    </Panel>
  );
}

/** When the last secret expires. */
function Expiry({ account: { secrets } }: { readonly account: ServiceAccount }) {
  if (secrets.some(({ expiresAt }) => expiresAt === null)) return <>{words.never}</>;
  const last = secrets
    .map(({ expiresAt }) => expiresAt ?? '')
    .toSorted()
    .at(-1);
  return last === undefined ? <>–</> : <Time iso={last} />;
}

function Delete({ path, name, reload }: { readonly path: string; readonly name: string; readonly reload: Reload }) {
  if (!mayAct()) return null;
  return (
    <Ask
      label={words.delete}
      {...words.deletion(name)}
      isDangerous
      typed={name}
      onSubmit={() => call('DELETE', path).then(reload)}
    />
  );
}
