import { z } from 'zod';
import { migrationState } from '../contract/index.ts';
import { getSamples, type MigrationSample } from '../control/index.ts';
import { atlasDate } from '../http/index.ts';
import { UserError } from '../platform/index.ts';
import { defineOperation, timeOf } from './operation.ts';

const figures = z.array(z.number().nullable());

/** Columns of equal length: a row for each sample would repeat every name up to 43,200 times. */
const samples = z
  .object({
    spanSeconds: z.int().meta({ description: 'Each sample stands for so much time.' }),
    at: z.array(z.iso.datetime()).meta({ description: 'When the agent reported each sample, oldest first.' }),
    state: z.array(migrationState),
    lagTimeSeconds: figures,
    changesRead: figures,
    changesApplied: figures,
    queuedKeys: figures.meta({ description: 'Changed keys that wait to be applied.' }),
    bytesCopied: figures,
    documentsVerified: figures,
    oplogLeftSeconds: figures.meta({ description: 'Time until changes would be lost if the engine read no more.' }),
  })
  .meta({ id: 'LinkspanSamples', 'x-linkspan-extension': true });

export type MigrationSamples = z.output<typeof samples>;

const SPANS = ['SECOND', 'MINUTE'] as const;

/** The history of a migration, for charts. */
export const sampleOperations = [
  defineOperation({
    operationId: 'getGroupLiveMigrationSamples',
    summary: 'Return the history of one live migration',
    status: 200,
    extension: true,
    versions: [{ version: '2023-01-01' }],
    query: ['span', 'since'],
    response: samples,
    handle: async ({ control, actor, path, query }) => {
      const span = SPANS.find((one) => one === (query.get('span') ?? 'SECOND'));
      if (span === undefined) throw new UserError('INVALID_QUERY_PARAMETER', ['span', SPANS.join(' or ')]);
      const afterMs = timeOf(query, 'since') ?? 0;
      const place = [path('groupId'), path('liveMigrationId')] as const;
      return show(await getSamples(control, actor, place, { span, afterMs }), span);
    },
  }),
];

function show(list: readonly MigrationSample[], span: (typeof SPANS)[number]): z.output<typeof samples> {
  const column = <T>(of: (sample: MigrationSample['figures']) => T) => list.map(({ figures }) => of(figures));
  return {
    spanSeconds: span === 'SECOND' ? 1 : 60,
    at: list.map(({ atMs }) => atlasDate(atMs)),
    state: column(({ state }) => state),
    lagTimeSeconds: column(({ lagSeconds }) => lagSeconds),
    changesRead: column(({ changesRead }) => changesRead),
    changesApplied: column(({ changesApplied }) => changesApplied),
    queuedKeys: column(({ queuedKeys }) => queuedKeys),
    bytesCopied: column(({ bytesCopied }) => bytesCopied),
    documentsVerified: column(({ documentsVerified }) => documentsVerified),
    oplogLeftSeconds: column(({ oplogLeftSeconds }) => oplogLeftSeconds),
  };
}
