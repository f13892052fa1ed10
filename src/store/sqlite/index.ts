export { openSqliteReader } from './reader.ts';
export { openSqliteStore } from './store.ts';
