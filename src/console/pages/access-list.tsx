import { call } from '../api/client.ts';
import { readList } from '../api/lists.ts';
import { usePolled } from '../api/polled.ts';
import { mayAct } from '../api/session.ts';
import { Ask } from '../dialogs/ask.tsx';
import { AddressesField, textOf } from '../dialogs/field.tsx';
import { Message } from '../message.tsx';
import { Panel } from '../panels/panel.tsx';
import { type Column, Table } from '../table.tsx';
import { accessText as words } from '../texts/access.ts';

/** An entry as the API shows it: an address is also a block of one address. */
interface Entry {
  readonly cidrBlock: string;
  readonly ipAddress?: string;
}

/** The addresses from which an account may be used. @param path  of the account, after the API's prefix @param name  of the account */
export function AccessList({ path, name }: { readonly path: string; readonly name: string }) {
  const { value, problem, reload } = usePolled((signal) => readList<Entry>(`${path}/accessList`, signal), {
    key: path,
  });
  const add = (fields: FormData) => {
    const entries = textOf(fields, 'addresses')
      .split(/[\s,]+/)
      .filter(Boolean)
      .map((address) => (address.includes('/') ? { cidrBlock: address } : { ipAddress: address }));
    return call('POST', `${path}/accessList`, entries).then(reload);
  };
  const columns: Column<Entry>[] = [
    [words.address, (entry) => <code>{addressOf(entry)}</code>],
    [
      null,
      (entry) =>
        mayAct() && (
          <Ask
            label={words.remove}
            {...words.removal(addressOf(entry), name)}
            isDangerous
            typed={addressOf(entry)}
            onSubmit={() => call('DELETE', `${path}/accessList/${encodeURIComponent(addressOf(entry))}`).then(reload)}
          />
        ),
    ],
  ];
  return (
    <Panel title={words.accessListOf(name)}>
      {problem.value !== undefined && <Message tone="bad">{problem.value}</Message>}
      {value.value && (
        <Table
          label={words.accessListOf(name)}
          columns={columns}
          rows={value.value}
          keyOf={addressOf}
          none={words.anywhere}
        />
      )}
      {mayAct() && (
        <div class="buttons">
          <Ask label={words.addAddresses} {...words.adding(name)} onSubmit={add}>
            <AddressesField label={words.addresses} hint={words.addressesHint} required />
          </Ask>
        </div>
      )}
    </Panel>
  );
}

const addressOf = ({ ipAddress, cidrBlock }: Entry) => ipAddress ?? cidrBlock;
