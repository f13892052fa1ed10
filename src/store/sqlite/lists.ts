import type { DatabaseSync } from 'node:sqlite';
import type { ListItems, ListName, ReportedList, StoreTransaction } from '../../control/index.ts';

type ListOperations = Pick<
  StoreTransaction,
  | 'reportedList'
  | 'listItems'
  | 'countListItems'
  | 'putReportedList'
  | 'putListItem'
  | 'deleteListItem'
  | 'clearList'
  | 'deleteLists'
>;

/** `instr` of an empty text is 1, so that one matches everything. */
const SELECTED = 'migration_id = ? AND list = ? AND instr(lower(namespace), lower(?)) > 0';

/** The operations on the lists that agents report of migrations. */
export function listsOn(database: DatabaseSync): ListOperations {
  const reported = database.prepare(
    'SELECT series, part, total, stored, at_ms FROM migration_lists WHERE migration_id = ? AND list = ?',
  );
  const items = database.prepare(
    `SELECT item FROM migration_list_items WHERE ${SELECTED} ORDER BY rank DESC, id LIMIT ? OFFSET ?`,
  );
  const count = database.prepare(`SELECT count(*) AS items FROM migration_list_items WHERE ${SELECTED}`);
  const putReported = database.prepare('INSERT OR REPLACE INTO migration_lists VALUES (?, ?, ?, ?, ?, ?, ?)');
  const put = database.prepare('INSERT OR REPLACE INTO migration_list_items VALUES (?, ?, ?, ?, ?, ?)');
  const remove = database.prepare('DELETE FROM migration_list_items WHERE migration_id = ? AND list = ? AND id = ?');
  const clear = database.prepare('DELETE FROM migration_list_items WHERE migration_id = ? AND list = ?');
  const forget = database.prepare('DELETE FROM migration_lists WHERE migration_id = ? AND list = ?');
  const old = database.prepare('SELECT migration_id, list FROM migration_lists WHERE at_ms <= ?');
  return {
    reportedList: async (migrationId, list) => {
      const row = reported.get(migrationId, list);
      if (row === undefined) return undefined;
      const { series, part, total, stored, at_ms: atMs } = row as Record<string, string | number>;
      return { migrationId, list, series, part, total, stored, atMs } as ReportedList;
    },
    listItems: async <Name extends ListName>(
      migrationId: string,
      list: Name,
      { namespace, skip, limit }: { readonly namespace: string; readonly skip: number; readonly limit: number },
    ) =>
      items.all(migrationId, list, namespace, limit, skip).map(({ item }): ListItems[Name] => JSON.parse(String(item))),
    countListItems: async (migrationId, list, namespace) => Number(count.get(migrationId, list, namespace)?.items),
    putReportedList: async ({ migrationId, list, series, part, total, stored, atMs }) => {
      putReported.run(migrationId, list, series, part, total, stored, atMs);
    },
    putListItem: async ({ migrationId, list, item, rank }) => {
      put.run(migrationId, list, item.id, item.namespace, rank, JSON.stringify(item));
    },
    deleteListItem: async (migrationId, list, id) => {
      remove.run(migrationId, list, id);
    },
    clearList: async (migrationId, list) => {
      clear.run(migrationId, list);
    },
    deleteLists: async (untilMs) => {
      for (const { migration_id: migrationId, list } of old.all(untilMs)) {
        clear.run(String(migrationId), String(list));
        forget.run(String(migrationId), String(list));
      }
    },
  };
}
