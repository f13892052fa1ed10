import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { liveMigrationResponse } from '../../../src/atlas-api/live-migrations.ts';
import { viewOf } from '../../../src/cli/progress/index.ts';
import { JsonRenderer } from '../../../src/cli/progress/json.ts';
import { type Progress, progress, stageOfRun } from '../../../src/contract/index.ts';
import { hookEvent } from '../../../src/hooks/index.ts';
import { METRICS } from '../../../src/metrics/catalogue.ts';
import type { LogEventDefinition } from '../../../src/platform/log-events/define.ts';
import { LOG_EVENTS } from '../../../src/platform/log-events/index.ts';

/** Where people and programs read facts of a migration. */
export const FACES = {
  api: 'API, and `linkspan migration … --output json`',
  progress: '`/progress` of `linkspan sync`',
  sync: '`linkspan sync --output json`',
  hook: '`data` of hook events',
  log: 'log lines',
  library: '`progress()` of the library',
  metric: 'metrics',
} as const;

export type Face = keyof typeof FACES;

const GOLDEN = new URL('../../contract/golden/', import.meta.url);

/** Returns the paths of all fields of a face, such as `linkspan.waiting[].reason`; of metrics, `name` and `name{label}`. */
export function pathsOf(face: Face): ReadonlySet<string> {
  return new Set(READERS[face]());
}

const READERS: Readonly<Record<Face, () => string[]>> = {
  api: () => pathsOfSchema(liveMigrationResponse),
  progress: () => recorded().flatMap(({ faces }) => pathsOfValue(faces.sync)),
  sync: () => recorded().flatMap(({ atMs, progress: shown }) => pathsOfValue(lineOf(atMs, shown))),
  hook: () =>
    pathsOfSchema(hookEvent).flatMap((path) => (path.startsWith('data.') ? [path.slice('data.'.length)] : [])),
  log: () => [
    // Those of all lines about a migration.
    ...['migrationId', 'state'],
    ...Object.values(LOG_EVENTS).flatMap((events) =>
      Object.values<LogEventDefinition>(events).flatMap(({ fields = [] }) =>
        fields.map((field) => field.replace('?', '')),
      ),
    ),
  ],
  library: () => pathsOfSchema(progress),
  metric: () =>
    Object.entries(METRICS).flatMap(([name, { labels }]) => [name, ...labels.map((label) => `${name}{${label}}`)]),
};

interface Recorded {
  readonly atMs: number;
  readonly progress: Progress;
  readonly faces: { readonly sync: unknown };
}

/** The recorded progress of migrations, as `test/contract/golden.test.ts` proves that it is shown. */
function recorded(): Recorded[] {
  return readdirSync(GOLDEN).map((name) => JSON.parse(readFileSync(new URL(name, GOLDEN), 'utf8')));
}

/** The line that the command writes about a progress. */
function lineOf(atMs: number, shown: Progress): unknown {
  const lines: string[] = [];
  new JsonRenderer({ write: (line: string) => lines.push(line) }).finish(
    viewOf(shown, stageOfRun(shown, 'RUNNING', false), atMs),
  );
  return JSON.parse(lines.join(''));
}

function pathsOfValue(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => pathsOfValue(one, `${at}[]`));
  if (value === null || typeof value !== 'object') return at === '' ? [] : [at];
  const inner = Object.entries(value).flatMap(([name, one]) => pathsOfValue(one, at === '' ? name : `${at}.${name}`));
  return at === '' ? inner : [at, ...inner];
}

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $defs?: Readonly<Record<string, Schema>>;
}

function pathsOfSchema(type: z.ZodType): string[] {
  const root = z.toJSONSchema(type, { io: 'output', unrepresentable: 'any' }) as Schema;
  const walk = (schema: Schema, at: string): string[] => {
    const named = schema.$ref?.split('/').at(-1);
    if (named !== undefined) return walk(root.$defs?.[named] ?? {}, at);
    return [
      ...(at === '' ? [] : [at]),
      ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((part) => walk(part, at)),
      ...(schema.items === undefined ? [] : walk(schema.items, `${at}[]`)),
      ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) =>
        walk(part, at === '' ? name : `${at}.${name}`),
      ),
    ];
  };
  return walk(root, '');
}
