import { shownBytes } from '../../contract/index.ts';
import type { LiveMigration } from '../api/types.ts';
import { duration, rate } from '../format.ts';
import { type Column, Table } from '../table.tsx';
import { migrationText } from '../texts/migration.ts';
import { Panel } from './panel.tsx';
import { pingText } from './source.tsx';

const words = migrationText.shards;

type Shard = NonNullable<NonNullable<LiveMigration['linkspan']['progress']>['shards']>[number];

const COLUMNS: readonly Column<Shard>[] = [
  [words.shard, ({ shard }) => shard],
  [words.left, ({ oplog, whyUnknown }) => (oplog ? duration(oplog.leftSeconds) : (whyUnknown ?? '–'))],
  [words.covers, ({ oplog }) => (oplog ? duration(oplog.windowSeconds) : '–')],
  [words.free, ({ oplog }) => (oplog ? words.percent(oplog.headroomPercent) : '–')],
  [words.written, ({ rates }) => rate(rates?.oplogBytesPerSecond, shownBytes)],
  [words.writes, ({ rates }) => rate(rates?.writesPerSecond)],
  [words.reads, ({ rates }) => rate(rates?.readsPerSecond)],
  [words.ping, ({ pingMs }) => pingText(pingMs)],
];

/** The shards of a sharded source: which one is hot, slow, or about to lose changes. */
export function ShardsPanel({ shards }: { readonly shards: readonly Shard[] }) {
  const seen = shards.filter(({ whyUnknown }) => whyUnknown === null).length;
  return (
    <Panel title={words.title} note={words.note(seen, shards.length)}>
      <Table label={words.title} columns={COLUMNS} rows={shards} keyOf={({ shard }) => shard} none="" />
      <p class="small mute">{words.meaning}</p>
    </Panel>
  );
}
