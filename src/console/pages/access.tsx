import { useSignal } from '@preact/signals';
import { call } from '../api/client.ts';
import { readList } from '../api/lists.ts';
import { usePolled } from '../api/polled.ts';
import { holds, mayAct, organizationId, ownsSomeProject } from '../api/session.ts';
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
import { AccessList } from './access-list.tsx';
import { ProjectRoles } from './project-roles.tsx';
import { SecretHours, Secrets } from './secrets.tsx';

type Reload = () => Promise<void>;

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
  const chosen = useSignal('');
  const choose = (id: string) => {
    chosen.value = chosen.value === id ? '' : id;
  };
  return (
    <PolledPage title={text.pages.access} polled={polled}>
      {({ keys, accounts }) => (
        <div class="stack">
          <Keys keys={keys} reload={reload} chosen={chosen.value} choose={choose} />
          {accounts && <Accounts accounts={accounts} reload={reload} chosen={chosen.value} choose={choose} />}
        </div>
      )}
    </PolledPage>
  );
}

interface Choosing {
  readonly reload: Reload;
  /** The id of the account whose details are shown; empty for none. */
  readonly chosen: string;
  readonly choose: (id: string) => void;
}

function Keys({ keys, reload, chosen, choose }: Choosing & { readonly keys: readonly ApiKey[] }) {
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
    [words.roles, (key) => organizationRolesOf(key).join(', ')],
    [
      null,
      (key) => (
        <>
          {ownsSomeProject() && <Details isOpen={chosen === key.id} onClick={() => choose(key.id)} />}
          <Change path={`${path}/${key.id}`} name={key.publicKey} present={organizationRolesOf(key)} reload={reload} />
          <Delete path={`${path}/${key.id}`} name={key.publicKey} reload={reload} />
        </>
      ),
    ],
  ];
  const shown = keys.find(({ id }) => id === chosen);
  return (
    <>
      <Panel title={words.keys}>
        <Table label={words.keys} columns={columns} rows={keys} keyOf={({ id }) => id} none={words.noKey} />
        {mayAct() && (
          <div class="buttons">
            <Ask label={words.createKey} {...words.creation} onSubmit={create}>
              <Field label={words.description} name="description" maxLength={250} required />
              <RoleFields />
            </Ask>
          </div>
        )}
      </Panel>
      {shown && <AccessList path={`${path}/${shown.id}`} name={shown.publicKey} />}
      {shown && <ProjectRoles apiKey={shown} reload={reload} />}
    </>
  );
}

/** The roles in the organization; those in projects are in the details. */
const organizationRolesOf = ({ roles }: ApiKey) =>
  roles.flatMap(({ groupId, roleName }) => (groupId === undefined ? [roleName] : []));

function Accounts({ accounts, reload, chosen, choose }: Choosing & { readonly accounts: readonly ServiceAccount[] }) {
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
    [
      null,
      ({ clientId, name, roles }) => (
        <>
          {mayAct() && <Details isOpen={chosen === clientId} onClick={() => choose(clientId)} />}
          <Change path={`${path}/${clientId}`} name={name} present={roles} reload={reload} />
          <Delete path={`${path}/${clientId}`} name={name} reload={reload} />
        </>
      ),
    ],
  ];
  const shown = accounts.find(({ clientId }) => clientId === chosen);
  return (
    <>
      <Panel title={words.accounts}>
        <Table
          label={words.accounts}
          columns={columns}
          rows={accounts}
          keyOf={({ clientId }) => clientId}
          none={words.noAccount}
        />
        {mayAct() && (
          <div class="buttons">
            <Ask label={words.createAccount} {...words.accountCreation} onSubmit={create}>
              <Field label={words.name} name="name" maxLength={64} required />
              <Field label={words.description} name="description" maxLength={250} />
              <SecretHours />
              <RoleFields />
            </Ask>
          </div>
        )}
      </Panel>
      {shown && <Secrets account={shown} path={`${path}/${chosen}`} reload={reload} />}
      {shown && <AccessList path={`${path}/${chosen}`} name={shown.name} />}
    </>
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

function Details({ isOpen, onClick }: { readonly isOpen: boolean; readonly onClick: () => void }) {
  return (
    <button type="button" class="quiet" aria-expanded={isOpen} onClick={onClick}>
      {words.details}
    </button>
  );
}

interface ChangeProps {
  readonly path: string;
  readonly name: string;
  readonly present: readonly string[];
  readonly reload: Reload;
}

function Change({ path, name, present, reload }: ChangeProps) {
  if (!mayAct()) return null;
  return (
    <Ask
      label={words.change}
      {...words.roleChange(name)}
      onSubmit={(fields) => call('PATCH', path, { roles: rolesOf(fields) }).then(reload)}
    >
      <RoleFields present={present} />
    </Ask>
  );
}
