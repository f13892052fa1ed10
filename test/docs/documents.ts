import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { agentFile } from '../../src/agent/index.ts';
import { shownCutoverReport, verificationReport } from '../../src/contract/index.ts';
import { digestReport } from '../../src/engine/index.ts';
import { hookEvent } from '../../src/hooks/index.ts';
import { apiDocument } from './api-document.ts';
import { errorsDocument } from './errors-document.ts';
import { factsDocument } from './facts/facts-document.ts';
import { findingsDocument } from './findings-document.ts';
import { grafanaBoard } from './grafana-board.ts';
import { lifecyclesDocument } from './lifecycles-document.ts';
import { logEventsDocument } from './log-events-document.ts';
import { metricsDocument } from './metrics-document.ts';
import { readinessDocument } from './readiness-document.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Files made from the source, by path from the root. A function gets the present text of its file; some keep a part of it. */
type Documents = Readonly<Record<string, (present: string) => string>>;

/** Pages that people read in the repository. */
const COMMITTED: Documents = {
  'docs/plan/plan-a-migration.md': findingsDocument,
  'docs/reference/errors.md': errorsDocument,
  'docs/reference/facts.md': factsDocument,
  'docs/reference/lifecycles.md': lifecyclesDocument,
  'docs/reference/log-events.md': logEventsDocument,
  'docs/reference/metrics.md': metricsDocument,
  'docs/reference/readiness.md': readinessDocument,
};

/** Files of the packages and of the site. Git ignores them, and builds make them. */
export const BUILT: Documents = {
  'deploy/agent.schema.json': () => jsonSchema(agentFile, 'input'),
  'deploy/grafana/linkspan.json': grafanaBoard,
  'docs/reference/api.md': apiDocument,
  'docs/reference/cutover-report.schema.json': () => jsonSchema(shownCutoverReport),
  'docs/reference/digest-report.schema.json': () => jsonSchema(digestReport),
  'docs/reference/hook-event.schema.json': () => jsonSchema(hookEvent),
  'docs/reference/verification-report.schema.json': () => jsonSchema(verificationReport),
};

function jsonSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): string {
  const text = JSON.stringify(
    z.toJSONSchema(schema, { io, override: ({ jsonSchema }) => allowFields(jsonSchema, io) }),
    null,
    2,
  );
  return `${text}\n`;
}

/** Later versions write further fields. A file that Linkspan reads has only known ones. */
function allowFields(schema: z.core.JSONSchema.BaseSchema, io: 'input' | 'output'): void {
  if (io === 'output' && schema.additionalProperties === false) delete schema.additionalProperties;
}

/** Writes those documents of a checkout that differ from the source. */
export function writeDocuments(documents: Documents, root: string): void {
  for (const [path, text] of staleDocuments(documents, root)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    // Tests may read the file at the same time.
    writeFileSync(`${file}.${process.pid}`, text);
    renameSync(`${file}.${process.pid}`, file);
  }
}

/** Returns the path and the new text of each document that is absent or differs from the source. */
function staleDocuments(documents: Documents, root: string): [path: string, text: string][] {
  return Object.entries(documents).flatMap(([path, textOf]) => {
    const file = join(root, path);
    const present = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const text = textOf(present);
    return text === present ? [] : [[path, text]];
  });
}

/**
 * `npm run docs` writes all documents, with `--built` only those that git ignores. With `--check` it writes nothing, and exits with 1 when a
 * committed one is stale.
 */
if (import.meta.main) {
  const [flag] = process.argv.slice(2);
  if (flag === '--check') {
    const stale = staleDocuments(COMMITTED, ROOT);
    for (const [path] of stale) console.error(`${path} is stale: run \`npm run docs\` and commit it`);
    console.log(`documents: ${Object.keys(COMMITTED).length} checked, ${stale.length} stale`);
    process.exitCode = stale.length === 0 ? 0 : 1;
  } else writeDocuments(flag === '--built' ? BUILT : { ...COMMITTED, ...BUILT }, ROOT);
}
