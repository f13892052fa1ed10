export { backUpStore, restoreStore } from './backup.ts';
export { declareStoreRestored } from './declare-restored.ts';
export { openSqliteReader } from './reader.ts';
export { openSqliteStore } from './store.ts';
