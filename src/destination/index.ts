export { connectToDestination } from './connect.ts';
export { checkConnectionString } from './connection-string.ts';
export { createDialler } from './dialler.ts';
export { dropMigrationUser, makeMigrationUser } from './migration-user.ts';
