/** The declaration of a metric. */
interface MetricDeclaration {
  readonly type: 'gauge' | 'counter';
  readonly labels: readonly string[];
  readonly help: string;
  /** The commands whose processes have it. `serve` has those of migrations for migrations whose agent was heard lately. */
  readonly of: 'every command' | 'migrations' | 'serve';
}

/**
 * All metrics of Linkspan, beside the process metrics of prom-client. Their names and labels are stable: rules and
 * dashboards read them. `npm run docs` writes docs/reference/metrics.md from this table.
 */
export const METRICS = {
  linkspan_build_info: {
    type: 'gauge',
    labels: ['version', 'command'],
    help: 'Version of Linkspan; always 1.',
    of: 'every command',
  },
  linkspan_migrations_left_out: {
    type: 'gauge',
    labels: ['command'],
    help: '1 while there are more migrations or agents than a scrape shows (500 of each), else 0.',
    of: 'every command',
  },
  linkspan_migration_state: {
    type: 'gauge',
    labels: ['migration', 'state'],
    help: "1 for the state of the migration's engine, 0 for its other states.",
    of: 'migrations',
  },
  linkspan_phase_start_timestamp_seconds: {
    type: 'gauge',
    labels: ['migration', 'phase'],
    help: 'When the phase began the last time.',
    of: 'migrations',
  },
  linkspan_phase_end_timestamp_seconds: {
    type: 'gauge',
    labels: ['migration', 'phase'],
    help: 'When the phase ended the last time; absent while it runs.',
    of: 'migrations',
  },
  linkspan_collections: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Collections of the migration.',
    of: 'migrations',
  },
  linkspan_copied_collections: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Collections that are copied and have their indexes.',
    of: 'migrations',
  },
  linkspan_quarantined_collections: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Collections that wait for a reason of their own, while all others continue.',
    of: 'migrations',
  },
  linkspan_copied_bytes: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Copied bytes that count. Decreases when the copy of a collection begins anew; use deriv() for the rate.',
    of: 'migrations',
  },
  linkspan_copy_expected_bytes: {
    type: 'gauge',
    labels: ['migration'],
    help: "Bytes to copy, by the source's statistics.",
    of: 'migrations',
  },
  linkspan_copied_documents: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Copied documents that count. Decreases when the copy of a collection begins anew.',
    of: 'migrations',
  },
  linkspan_copy_expected_documents: {
    type: 'gauge',
    labels: ['migration'],
    help: "Documents to copy, by the source's statistics.",
    of: 'migrations',
  },
  linkspan_indexes: {
    type: 'gauge',
    labels: ['migration', 'state'],
    help: 'Indexes of the migration by state: built or unbuilt.',
    of: 'migrations',
  },
  linkspan_events_read_total: {
    type: 'counter',
    labels: ['migration'],
    help: 'Changes of documents that this process has read from the change stream.',
    of: 'migrations',
  },
  linkspan_events_applied_total: {
    type: 'counter',
    labels: ['migration'],
    help: 'Changes of documents that this process has written to the destination.',
    of: 'migrations',
  },
  linkspan_copy_restarts_total: {
    type: 'counter',
    labels: ['migration'],
    help: 'How often copied data of a collection stopped counting while this process ran.',
    of: 'migrations',
  },
  linkspan_queue_keys: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Changed keys that wait to be applied.',
    of: 'migrations',
  },
  linkspan_lag_seconds: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Lag of the destination behind the source; absent while unknown.',
    of: 'migrations',
  },
  linkspan_eta_seconds: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Estimated time until everything is copied, or until the destination has caught up; absent while unknown.',
    of: 'migrations',
  },
  linkspan_source_oplog_window_seconds: {
    type: 'gauge',
    labels: ['migration'],
    help: "Time from the oldest to the newest entry of the source's oplog; absent while unknown.",
    of: 'migrations',
  },
  linkspan_oplog_headroom_seconds: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Time until changes would be lost if the engine read no more; absent while unknown.',
    of: 'migrations',
  },
  linkspan_oplog_headroom_ratio: {
    type: 'gauge',
    labels: ['migration'],
    help: "Share of the oplog's size without changes that are still needed, from 0 to 1; absent while unknown.",
    of: 'migrations',
  },
  linkspan_shard_seen: {
    type: 'gauge',
    labels: ['migration', 'shard'],
    help: 'Whether a shard of a sharded source answers the engine directly: 1 if so. The other metrics of shards are absent while it does not.',
    of: 'migrations',
  },
  linkspan_shard_oplog_headroom_seconds: {
    type: 'gauge',
    labels: ['migration', 'shard'],
    help: "Time until the shard's oplog would lose changes if the engine read no more; absent while unknown.",
    of: 'migrations',
  },
  linkspan_shard_oplog_headroom_ratio: {
    type: 'gauge',
    labels: ['migration', 'shard'],
    help: "Share of the size of the shard's oplog without changes that are still needed, from 0 to 1; absent while unknown.",
    of: 'migrations',
  },
  linkspan_shard_writes_per_second: {
    type: 'gauge',
    labels: ['migration', 'shard'],
    help: 'Writes that the shard carries out for everybody, over the last minute; absent while unknown.',
    of: 'migrations',
  },
  linkspan_shard_reads_per_second: {
    type: 'gauge',
    labels: ['migration', 'shard'],
    help: 'Reading commands that the shard carries out for everybody, over the last minute; absent while unknown.',
    of: 'migrations',
  },
  linkspan_shard_oplog_bytes_per_second: {
    type: 'gauge',
    labels: ['migration', 'shard'],
    help: 'Bytes that the shard writes to its oplog, over the last minute; absent while unknown.',
    of: 'migrations',
  },
  linkspan_shard_ping_seconds: {
    type: 'gauge',
    labels: ['migration', 'shard'],
    help: "Round trip to the shard's primary; absent while unknown.",
    of: 'migrations',
  },
  linkspan_verified_documents: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Documents that the full comparison has read; absent without verification.',
    of: 'migrations',
  },
  linkspan_verification_expected_documents: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Documents that the full comparison has to read; absent without verification.',
    of: 'migrations',
  },
  linkspan_verification_mismatches: {
    type: 'gauge',
    labels: ['migration', 'state'],
    help: 'Documents that differed although no change explains it: open or settled; absent without verification.',
    of: 'migrations',
  },
  linkspan_verified_equal_timestamp_seconds: {
    type: 'gauge',
    labels: ['migration'],
    help: "The source's time at which both sides were proven equal; absent while they are not.",
    of: 'migrations',
  },
  linkspan_ready_for_cutover: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Whether a cutover that is requested now would begin at once.',
    of: 'migrations',
  },
  linkspan_waits: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Things that the migration waits for, such as a cluster or a confirmation.',
    of: 'migrations',
  },
  linkspan_oldest_wait_timestamp_seconds: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Since when the migration waits for the first of them; absent while it waits for nothing.',
    of: 'migrations',
  },
  linkspan_ping_seconds: {
    type: 'gauge',
    labels: ['migration', 'side'],
    help: 'Round trip of the last hello to the primary of the source or destination; absent before the first.',
    of: 'migrations',
  },
  linkspan_compression_ratio: {
    type: 'gauge',
    labels: ['migration', 'side'],
    help: 'Bytes of messages to and from the source or destination, divided by their bytes on the wire; absent while they are not compressed.',
    of: 'migrations',
  },
  linkspan_time_share_ratio: {
    type: 'gauge',
    labels: ['migration', 'use'],
    help:
      'Share of the last minute, from 0 to 1, that went to each use: source_read, engine, destination_write, throttled, ' +
      'memory or idle. Their sum is 1; absent while not measured.',
    of: 'migrations',
  },
  linkspan_source_blocked: {
    type: 'gauge',
    labels: ['migration'],
    help: '1 while users can write to neither side: the source is blocked, or about to be, and the destination is not open.',
    of: 'migrations',
  },
  linkspan_write_pause_seconds: {
    type: 'gauge',
    labels: ['migration'],
    help: 'How long the last cutover stopped writes; absent before it, and when the source was not blocked.',
    of: 'migrations',
  },
  linkspan_problems: {
    type: 'gauge',
    labels: ['migration'],
    help:
      'How many things have gone wrong since the cutover: both sides differed, users wrote to the source, the failback has failed. ' +
      "Absent before the cutover, and in the agent's metrics.",
    of: 'migrations',
  },
  linkspan_failback_state: {
    type: 'gauge',
    labels: ['migration', 'state'],
    help: '1 for the state of the failback of a reversible migration that has cut over, 0 for its other states; absent for others.',
    of: 'migrations',
  },
  linkspan_failback_ready: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Whether a cutover could begin at once after a reversal; absent unless the failback follows.',
    of: 'migrations',
  },
  linkspan_failback_lag_seconds: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Lag of the side without users behind the other one; absent while unknown.',
    of: 'migrations',
  },
  linkspan_failback_oplog_headroom_seconds: {
    type: 'gauge',
    labels: ['migration'],
    help: 'Time until changes of the side with users would be lost for the failback if its engine read no more; absent while unknown.',
    of: 'migrations',
  },
  linkspan_cutover_step_seconds: {
    type: 'gauge',
    labels: ['migration', 'step'],
    help: 'Duration of each step of the last cutover that committed.',
    of: 'migrations',
  },
  linkspan_migration_status: {
    type: 'gauge',
    labels: ['migration', 'status'],
    help: "1 for the migration's status in the API, 0 for its other statuses. CANCELLED is FAILED in the API. Shown for 24 hours after the end.",
    of: 'serve',
  },
  linkspan_migration_end_timestamp_seconds: {
    type: 'gauge',
    labels: ['migration'],
    help: 'When the migration ended; absent before.',
    of: 'serve',
  },
  linkspan_migration_info: {
    type: 'gauge',
    labels: ['migration', 'organization', 'project', 'source', 'destination'],
    help: 'The ids of the migration, its organization and its project, and the names of its clusters; always 1.',
    of: 'serve',
  },
  linkspan_migration_label: {
    type: 'gauge',
    labels: ['migration', 'name', 'value'],
    help: "A user's label of the migration; always 1.",
    of: 'serve',
  },
  linkspan_migration_hosts: {
    type: 'gauge',
    labels: ['migration', 'host', 'role'],
    help: 'The hosts of an active migration: 1 for the one that leads it (role LEADER), and for each other one (role STANDBY) 1 while it could take over, else 0.',
    of: 'serve',
  },
  linkspan_agent_last_seen_timestamp_seconds: {
    type: 'gauge',
    labels: ['agent', 'host'],
    help: 'Last report of the linked agent; before the first, when it was linked.',
    of: 'serve',
  },
  linkspan_owners_expiry_timestamp_seconds: {
    type: 'gauge',
    labels: ['organization'],
    help: 'When the last secret of the owners of the organization expires; absent while an owner is an API key or has a secret without expiry.',
    of: 'serve',
  },
  linkspan_security_events_total: {
    type: 'counter',
    labels: ['type'],
    help: 'Attempts that were refused for security reasons, by their type in docs/secure/audit.md.',
    of: 'serve',
  },
} as const satisfies Readonly<Record<`linkspan_${string}`, MetricDeclaration>>;

export type MetricName = keyof typeof METRICS;
