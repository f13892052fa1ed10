export { backUpStore, restoreStore } from './backup.ts';
export { openSqliteReader } from './reader.ts';
export { openSqliteStore } from './store.ts';
