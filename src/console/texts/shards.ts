/** Texts of the shards of a source. */
export const shardsText = {
  title: 'Shards of the source',
  note: (seen: number, of: number) => (seen === of ? `${of}, all seen` : `${seen} of ${of} seen`),
  shard: 'Shard',
  left: 'Oplog lasts',
  covers: 'Oplog covers',
  free: 'Oplog free',
  percent: (share: number) => `${share} %`,
  written: 'Oplog written',
  writes: 'Writes',
  reads: 'Reads',
  ping: 'Answers in',
  meaning:
    'Each shard has an oplog of its own, and the migration needs them all. Writes and reads are those of everybody on that shard, over the last minute.',
} as const;
