import { call } from '../api/client.ts';
import { mayAct } from '../api/session.ts';
import type { ServiceAccount } from '../api/types.ts';
import { Ask } from '../dialogs/ask.tsx';
import { Field, textOf } from '../dialogs/field.tsx';
import { Secret } from '../dialogs/secret.tsx';
import { Panel } from '../panels/panel.tsx';
import { type Column, Table } from '../table.tsx';
import { accessText as words } from '../texts/access.ts';
import { Time } from '../time.tsx';

type AccountSecret = ServiceAccount['secrets'][number];

/** A week: long enough for a trial, short enough for a secret that is forgotten. */
const SECRET_HOURS = 168;

/** How long a new secret is valid, with Atlas's limits. */
export function SecretHours() {
  return (
    <Field label={words.hours} name="hours" type="number" min="8" max="8760" defaultValue={SECRET_HOURS} required />
  );
}

interface SecretsProps {
  readonly account: ServiceAccount;
  /** Path of the account, after the API's prefix. */
  readonly path: string;
  readonly reload: () => Promise<void>;
}

/** The secrets of a service account: two at a time, so that one can be replaced without a gap. */
export function Secrets({ account: { name, secrets }, path, reload }: SecretsProps) {
  const create = async (fields: FormData) => {
    const { secret = '' } = await call<AccountSecret>('POST', `${path}/secrets`, {
      secretExpiresAfterHours: Number(textOf(fields, 'hours')),
    });
    await reload();
    return <Secret parts={[[words.secret, secret]]} />;
  };
  const columns: Column<AccountSecret>[] = [
    [words.secret, ({ maskedSecretValue = '' }) => <code>{maskedSecretValue}</code>],
    [words.created, ({ createdAt }) => <Time iso={createdAt} />],
    [words.expires, ({ expiresAt }) => (expiresAt === null ? words.never : <Time iso={expiresAt} />)],
    [
      null,
      ({ id, maskedSecretValue = '' }) =>
        mayAct() && (
          <Ask
            label={words.delete}
            {...words.secretDeletion(maskedSecretValue, name)}
            isDangerous
            typed={name}
            onSubmit={() => call('DELETE', `${path}/secrets/${id}`).then(reload)}
          />
        ),
    ],
  ];
  return (
    <Panel title={words.secretsOf(name)}>
      <Table
        label={words.secretsOf(name)}
        columns={columns}
        rows={secrets}
        keyOf={({ id }) => id}
        none={words.noSecret}
      />
      {mayAct() && (
        <div class="buttons">
          <Ask label={words.createSecret} {...words.secretCreation(name)} onSubmit={create}>
            <SecretHours />
          </Ask>
        </div>
      )}
    </Panel>
  );
}
