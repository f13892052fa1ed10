import { dirname, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { readConfiguration, UserError } from '../platform/index.ts';
import { HOOK_EVENT_TYPES, type HookEvent, type HookEventType } from './event.ts';
import { isPlainAllowed } from './hook-address.ts';
import { readSigningKeys } from './signature.ts';

const id = z.string().regex(/^[0-9a-f]{24}$/, 'expected 24 lower-case hexadecimal digits');

const hook = z
  .strictObject({
    name: z.string().regex(/^[\w.-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, hyphens or underscores'),
    url: z.string().optional(),
    secretFile: z.string().min(1).optional(),
    secretEnvironment: z.string().regex(/^\w+$/, 'expected the name of an environment variable').optional(),
    command: z.array(z.string()).min(1).optional(),
    events: z
      .array(z.enum(HOOK_EVENT_TYPES as [HookEventType, ...HookEventType[]]))
      .min(1)
      .optional(),
    orgId: id.optional(),
    groupId: id.optional(),
    timeoutSeconds: z.number().min(1).max(300).optional(),
  })
  .refine(({ url, command }) => (url === undefined) !== (command === undefined), 'expected either url or command')
  .refine(
    ({ url, secretFile, secretEnvironment }) =>
      [secretFile, secretEnvironment].filter((one) => one !== undefined).length === (url === undefined ? 0 : 1),
    'expected secretFile or secretEnvironment with a url, and neither with a command',
  )
  .refine(
    ({ command }) => command === undefined || isAbsolute(command[0] ?? ''),
    'command: expected the absolute path of a program and its arguments',
  )
  .refine(
    ({ url }) => url === undefined || isHookUrl(url),
    'url: expected https:// without user and password; http:// only to this machine',
  );

const file = z.strictObject({
  waitingMinutes: z.number().min(1).max(10_080).optional(),
  hooks: z
    .array(hook)
    .min(1)
    .max(20)
    .refine((hooks) => new Set(hooks.map(({ name }) => name)).size === hooks.length, 'two hooks have the same name'),
});

/** How long a migration waits before an event says so, unless a hooks file says otherwise. */
export const DEFAULT_WAITING_MS = 15 * 60_000;
const DEFAULT_TIMEOUT_SECONDS = 15;

interface AnyHook {
  readonly name: string;
  /** The events that it takes; undefined for all. */
  readonly events?: readonly HookEventType[];
  readonly orgId?: string;
  readonly groupId?: string;
  /** Time limit of one attempt. */
  readonly timeoutMs: number;
}

export interface Webhook extends AnyHook {
  readonly kind: 'webhook';
  readonly url: URL;
  /** Reads the keys that sign requests, so that a new secret counts without a restart. */
  readonly keys: () => readonly Buffer[];
}

export interface CommandHook extends AnyHook {
  readonly kind: 'command';
  readonly command: readonly string[];
}

/** A configured receiver of events. */
export type Hook = Webhook | CommandHook;

/** The settings of a hooks file. */
export interface Hooks {
  readonly hooks: readonly Hook[];
  /** How long a migration waits before an event says so. */
  readonly waitingMs: number;
}

/**
 * Reads a hooks file, and checks that every secret is readable.
 * @throws UserError CONFIGURATION_UNREADABLE, CONFIGURATION_INVALID or HOOK_SECRET_UNUSABLE; never with a secret or the path of a URL
 */
export function readHooks(path: string, environment: NodeJS.ProcessEnv = process.env): Hooks {
  const { waitingMinutes, hooks } = readConfiguration(path, 'docs/operate/hooks.md', file, environment);
  return {
    waitingMs: waitingMinutes === undefined ? DEFAULT_WAITING_MS : waitingMinutes * 60_000,
    hooks: hooks.map((entry) => hookOf(entry, dirname(path), environment)),
  };
}

/** Whether a hook takes an event. */
export function takes({ events, orgId, groupId }: Hook, { type, data }: HookEvent): boolean {
  if (type === 'hooks.test') return true;
  if (events !== undefined && !events.includes(type)) return false;
  if (orgId !== undefined && orgId !== data.orgId) return false;
  return groupId === undefined || groupId === data.groupId;
}

function hookOf(entry: z.infer<typeof hook>, directory: string, environment: NodeJS.ProcessEnv): Hook {
  const { url, command, secretFile, secretEnvironment = '', timeoutSeconds, ...rest } = entry;
  const common = { ...rest, timeoutMs: (timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000 };
  if (url === undefined) return { ...common, kind: 'command', command: command ?? [] };
  // The variable is read once: a process that runs doesn't get a new environment.
  const variable = environment[secretEnvironment];
  const keys = () => {
    try {
      return secretFile === undefined
        ? readSigningKeys({ environment: secretEnvironment, text: variable })
        : readSigningKeys({ file: resolve(directory, secretFile) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UserError('HOOK_SECRET_UNUSABLE', [entry.name, reason], { cause: error });
    }
  };
  keys();
  return { ...common, kind: 'webhook', url: new URL(url), keys };
}

function isHookUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isPlainAllowed(url));
}
