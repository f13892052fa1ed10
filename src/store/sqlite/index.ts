export { backUpStore, followStore, restoreStore } from './backup.ts';
export { takeDirectory } from './data-directory.ts';
export { declareStoreRestored } from './declare-restored.ts';
export { openSqliteReader } from './reader.ts';
export { openSqliteStore } from './store.ts';
