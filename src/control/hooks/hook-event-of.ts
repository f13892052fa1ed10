import { takeOverReason, UNEXPLAINED } from '../../contract/index.ts';
import { errorOfEvent, eventText, type HookEvent } from '../../hooks/index.ts';
import { activeSide } from '../records/active-side.ts';
import type { AuditRecord, Migration } from '../records/records.ts';

/**
 * Returns the event of hooks that an audit record announces; undefined for a record that announces none.
 * @param migration  the migration that the record names
 */
export function hookEventOf(record: AuditRecord, migration: Migration, destination: string): HookEvent | undefined {
  const { details } = record;
  const text = (field: string) => eventText(String(details[field] ?? ''));
  const head = { id: record.id, timestamp: new Date(record.createdAtMs).toISOString() };
  const about = {
    migrationId: migration.id,
    orgId: migration.orgId,
    groupId: migration.groupId,
    source: migration.sourceClusterName,
    destination,
    ...(Object.keys(migration.labels).length > 0 && { labels: migration.labels }),
  };
  const { windowEndsAtMs } = migration.state;
  const window = windowEndsAtMs === null ? {} : { cutoverWindowEndsAt: new Date(windowEndsAtMs).toISOString() };
  switch (record.eventTypeName) {
    case 'LIVE_MIGRATION_READY':
      return { ...head, type: 'migration.ready', data: { ...about, ...window } };
    case 'LIVE_MIGRATION_CUTOVER_AWAITED':
      return {
        ...head,
        type: 'migration.cutover_awaited',
        data: { ...about, readySince: text('readySince'), ...window },
      };
    case 'LIVE_MIGRATION_WAITING':
      return {
        ...head,
        type: 'migration.waiting',
        data: { ...about, for: text('for'), since: text('since'), reason: text('reason') },
      };
    case 'LIVE_MIGRATION_TAKEN_OVER':
      return {
        ...head,
        type: 'migration.taken_over',
        data: {
          ...about,
          host: text('migrationHost'),
          fromHost: text('formerMigrationHost'),
          reason: takeOverReason.parse(details.reason),
        },
      };
    case 'LIVE_MIGRATION_WINDOW_ENDING':
      return {
        ...head,
        type: 'migration.window_ending',
        data: { ...about, cutoverWindowEndsAt: text('cutoverWindowEndsAt'), hoursLeft: Number(details.hoursLeft) },
      };
    case 'LIVE_MIGRATION_SOURCE_WRITTEN':
      return {
        ...head,
        type: 'migration.source_written',
        data: { ...about, changes: Number(details.changes), namespaces: text('namespaces') },
      };
    case 'LIVE_MIGRATION_COMPLETE':
      return { ...head, type: 'migration.cut_over', data: about };
    case 'LIVE_MIGRATION_REVERSE_READY':
      return {
        ...head,
        type: 'migration.reverse_ready',
        data: { ...about, activeSide: details.activeSide === 'SOURCE' ? 'SOURCE' : 'DESTINATION' },
      };
    case 'LIVE_MIGRATION_FAILBACK_FAILED':
    case 'LIVE_MIGRATION_FAILBACK_LOST': {
      const { failback, state } = migration;
      const error = state.error ?? (failback?.state === 'FAILED' ? failback.error : UNEXPLAINED);
      const told = { activeSide: activeSide(state), ...errorOfEvent(error) };
      return { ...head, type: 'migration.failback_failed', data: { ...about, ...told } };
    }
    case 'LIVE_MIGRATION_EXPIRED':
      return { ...head, type: 'migration.expired', data: about };
    case 'LIVE_MIGRATION_CUTOVER_UNFINISHED':
    case 'LIVE_MIGRATION_FAILED':
      return details.cancelled === true
        ? { ...head, type: 'migration.cancelled', data: about }
        : {
            ...head,
            type: 'migration.failed',
            data: { ...about, ...errorOfEvent(migration.state.error ?? UNEXPLAINED) },
          };
    default:
      return undefined;
  }
}
