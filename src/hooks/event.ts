import { z } from 'zod';
import { type ErrorData, errorData, errorText, labels, takeOverReason } from '../contract/index.ts';

const time = z.iso.datetime();

const about = {
  migrationId: z
    .string()
    .meta({ description: 'The id of the live migration, or of the migration of `linkspan sync`.' }),
  orgId: z.string().optional().meta({ description: 'Absent in events of `linkspan sync`.' }),
  groupId: z.string().optional().meta({ description: 'Absent in events of `linkspan sync`.' }),
  source: z.string().optional().meta({
    description: "The name of the source cluster; in events of `linkspan sync`, its primary's address, once known.",
  }),
  destination: z.string().optional().meta({
    description:
      "The name of the destination cluster; in events of `linkspan sync`, its primary's address, once known.",
  }),
  labels: labels.optional().meta({ description: "The user's labels of the migration; absent without any." }),
};

const failure = {
  message: z.string().meta({ description: 'The message of `error` and its remedy, as one text.' }),
  error: errorData,
};

const cutoverWindowEndsAt = time.optional().meta({
  description: 'End of the cutover window. Absent in events of `linkspan sync`, which has none.',
});

const event = <Type extends string, Data extends z.core.$ZodLooseShape>(type: Type, description: string, data: Data) =>
  z
    .object({
      id: z.string().meta({
        description:
          'Unique for the event, and the same in each attempt to deliver it. Receivers ignore ids that they know.',
      }),
      type: z.literal(type),
      timestamp: time.meta({ description: 'When the event happened. Attempts to deliver it may be later.' }),
      data: z.object(data),
    })
    .meta({ description });

/** The schema of the events that hooks receive. A script generates `docs/reference/hook-event.schema.json` from it. */
export const hookEvent = z
  .discriminatedUnion('type', [
    event('migration.ready', 'The migration is ready for cutover for the first time.', {
      ...about,
      cutoverWindowEndsAt,
    }),
    event('migration.cutover_awaited', 'The migration is ready, and no one has requested the cutover.', {
      ...about,
      readySince: time,
      cutoverWindowEndsAt,
    }),
    event('migration.waiting', 'The migration waits for something, such as a cluster or its agent.', {
      ...about,
      for: z.string(),
      since: time,
      reason: z.string(),
    }),
    event('migration.taken_over', 'Another host has taken the migration over.', {
      ...about,
      host: z.string().meta({ description: 'The host that leads it now.' }),
      fromHost: z.string(),
      reason: takeOverReason,
    }),
    event('migration.window_ending', 'The cutover window ends soon.', {
      ...about,
      cutoverWindowEndsAt: time,
      hoursLeft: z.int().meta({ description: '24 or 1: the threshold that was passed.' }),
    }),
    event('migration.cut_over', 'The destination has taken over.', about),
    event('migration.reverse_ready', 'The failback of a cutover is ready for a cutover for the first time.', {
      ...about,
      activeSide: z
        .enum(['SOURCE', 'DESTINATION'])
        .meta({ description: "The cluster that takes users' writes. They can return to the other one." }),
    }),
    event(
      'migration.failback_failed',
      'The failback of a complete cutover has failed, or is lost. Users stay where they are.',
      {
        ...about,
        activeSide: z.enum(['SOURCE', 'DESTINATION']).meta({ description: "The cluster that takes users' writes." }),
        ...failure,
      },
    ),
    event('migration.source_written', 'Users who bypass the write block wrote to the source after the cutover.', {
      ...about,
      changes: z.int().meta({ description: 'Changes so far. They are on the source only.' }),
      namespaces: z.string(),
    }),
    event('migration.failed', 'The migration has failed, or its committed cutover was not finished.', {
      ...about,
      ...failure,
    }),
    event('migration.expired', 'The cutover window has ended without a cutover, and the migration with it.', about),
    event('migration.cancelled', 'The migration was cancelled.', about),
    event('hooks.test', 'A test event of `linkspan hooks test`.', { hook: z.string() }),
  ])
  .meta({ title: 'Event of a Linkspan hook' });

/** An event, as hooks receive it. */
export type HookEvent = z.infer<typeof hookEvent>;

export type HookEventType = HookEvent['type'];

type FailureEvent = Extract<HookEvent, { readonly type: 'migration.failed' }>;

/** Returns the organization of an event; empty for an event of `linkspan sync`, and for a test event. */
export function organizationOf({ data }: HookEvent): string {
  return 'orgId' in data ? (data.orgId ?? '') : '';
}

/** The types of all events that a hook can choose. Every hook takes the test event. */
export const HOOK_EVENT_TYPES: readonly HookEventType[] = hookEvent.options
  .map(({ shape }) => shape.type.value)
  .filter((type) => type !== 'hooks.test');

const LONGEST_TEXT = 2_000;

/** Returns the fields of an event that tell an error. */
export function errorOfEvent({ code, message, remedy }: ErrorData): Pick<FailureEvent['data'], 'message' | 'error'> {
  const error = { code, message: eventText(message), remedy: eventText(remedy) };
  return { message: eventText(errorText(error)), error };
}

/** Returns a text for an event, shortened: texts come from servers and agents, and an event stays below 20 kB. */
export function eventText(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}
