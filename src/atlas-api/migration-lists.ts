import { z } from 'zod';
import { collectionProgress, mismatch } from '../contract/index.ts';
import { getList, type ListItems, type ListName, type ListPage } from '../control/index.ts';
import { atlasDate, pageOfSome, readWindow } from '../http/index.ts';
import { defineOperation, type OperationRequest } from './operation.ts';
import { link } from './schemas.ts';

const count = z.int().nonnegative();

/** The fields of a list beside its page. */
const reportedFields = {
  reportedAt: z.iso
    .datetime()
    .nullable()
    .meta({
      description:
        'When the agent last reported the list, or that it has not changed; null while it has reported nothing of it. ' +
        'The items are as they were then.',
    }),
  isCurrent: z.boolean().meta({ description: 'False once the migration has ended, or its agent is silent.' }),
  itemsReported: count.meta({
    description: 'How many items are known here. Fewer than `itemsTotal` while the agent sends the rest.',
  }),
  itemsTotal: count.meta({ description: 'How many items the agent has.' }),
} as const;

function pageOfList<Item extends z.ZodType>(item: Item) {
  return z.object({
    links: z.array(link),
    results: z.array(item),
    totalCount: z.int().optional().meta({ description: 'How many items match the filter.' }),
    ...reportedFields,
  });
}

const collection = collectionProgress
  .omit({ id: true })
  .meta({ id: 'LinkspanCollection', 'x-linkspan-extension': true });

const collections = pageOfList(collection).meta({
  id: 'PaginatedLinkspanCollection',
  'x-linkspan-extension': true,
});
const mismatches = pageOfList(mismatch).meta({
  id: 'PaginatedLinkspanMismatch',
  'x-linkspan-extension': true,
});

export type MigrationCollection = z.output<typeof collection>;
export type MigrationCollections = z.output<typeof collections>;
export type MigrationMismatches = z.output<typeof mismatches>;

const about = {
  status: 200,
  extension: true,
  versions: [{ version: '2023-01-01' }],
  query: ['pageNum', 'itemsPerPage', 'includeCount', 'namespace'],
} as const;

/** Lists of a migration that are too long for its record. */
export const listOperations = [
  defineOperation({
    ...about,
    operationId: 'listGroupLiveMigrationCollections',
    summary: 'List the collections of one live migration, largest first',
    response: collections,
    handle: async (request) => await pageOf(request, 'collections', showCollection),
  }),
  defineOperation({
    ...about,
    operationId: 'listGroupLiveMigrationMismatches',
    summary: 'List the documents that differed in one live migration, oldest first',
    response: mismatches,
    handle: async (request) => await pageOf(request, 'mismatches', ({ id: _, ...shown }) => shown),
  }),
];

/** @param show  makes an item of the answer; `isCurrent` as {@link ListPage} has it */
async function pageOf<Name extends ListName>(
  { control, actor, path, query, address }: OperationRequest<unknown>,
  list: Name,
  show: (item: ListItems[Name], isCurrent: boolean) => unknown,
) {
  const place = [path('groupId'), path('liveMigrationId')] as const;
  const namespace = query.get('namespace') ?? '';
  const found: ListPage<Name> = await getList(control, actor, place, list, { namespace, ...readWindow(query) });
  const { items, matching, reported, isCurrent } = found;
  const results = items.map((item) => show(item, isCurrent));
  return {
    ...pageOfSome({ results, total: matching }, query, address),
    reportedAt: reported === undefined ? null : atlasDate(reported.atMs),
    isCurrent,
    itemsReported: reported?.stored ?? 0,
    itemsTotal: reported?.total ?? 0,
  };
}

/** A rate is about now. */
function showCollection({ id: _, ...shown }: ListItems['collections'], isCurrent: boolean): MigrationCollection {
  return isCurrent ? shown : { ...shown, documentsPerSecond: null, bytesPerSecond: null };
}
