import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { type AuditHead, loadMasterKeys, Sealer, verifyAudit } from '../../control/index.ts';
import { counted, UserError } from '../../platform/index.ts';
import { openSqliteReader } from '../../store/sqlite/index.ts';
import { exitCode } from '../command-line/exit-code.ts';
import { reporting } from '../command-line/reporting.ts';
import { tell } from '../terminal/index.ts';
import { dataDirectory, masterKeyFile } from '../terminal/setting.ts';

interface AuditOptions {
  readonly dataDir: string;
  readonly masterKeyFile?: string;
  readonly head?: AuditHead;
}

/** `linkspan audit`: checks that the audit records are complete and unchanged. `linkspan event` reads them. */
export function auditCommand(): Command {
  const verify = new Command('verify')
    .summary('Check that no audit record was altered, added or removed')
    .description(
      'Check that no audit record of a data directory was altered, added or removed, and that the server wrote each one. The server may run meanwhile. ' +
        "Prints the chain's head, SEQUENCE:HASH. Pass an earlier head to a later check: without it, a check cannot detect that the last records are missing.",
    )
    .addOption(dataDirectory())
    .addOption(masterKeyFile())
    .option('--head <head>', 'An earlier head: SEQUENCE:HASH, or a file with the output of audit head', parseHead);
  reporting<AuditOptions>(verify, (options) => run(options, ({ sequence, hash }) => `${sequence}:${hash}`));
  const head = new Command('head')
    .summary('Print the head of the audit records, to keep it elsewhere')
    .description(
      'Print the newest audit record as JSON after a check of all records: sequence, hash, MAC and time. Keep it where the server cannot write, ' +
        'and pass it to audit verify --head: it then detects records that were cut off or restored from a backup.',
    )
    .addOption(dataDirectory())
    .addOption(masterKeyFile());
  reporting<AuditOptions>(head, (options) => run(options, (newest) => JSON.stringify(shown(newest))));
  return new Command('audit')
    .description('Check the audit records.')
    .commandsGroup('Core commands:')
    .addCommand(verify)
    .addCommand(head);
}

async function run({ dataDir, masterKeyFile: given, head: noted }: AuditOptions, show: (head: AuditHead) => string) {
  const sealer = new Sealer(loadMasterKeys(given ?? join(dataDir, 'master.key'), false));
  using store = openSqliteReader(dataDir);
  const outcome = await verifyAudit(store, { sealer, noted });
  if ('broken' in outcome) {
    const { sequence, problem } = outcome.broken;
    tell('linkspan audit', `record ${sequence}: ${problem}`, 'error');
    const error = new UserError('AUDIT_RECORDS_BROKEN', [String(sequence), problem]);
    return { code: exitCode.differences, error };
  }
  const { head } = outcome;
  tell('linkspan audit', `${counted(head.sequence, 'record is', 'records are')} complete and unchanged`);
  return { text: `${show(head)}\n`, facts: { head: shown(head) } };
}

function shown({ sequence, hash, mac = null, createdAtMs }: AuditHead) {
  return { sequence, hash, mac, created: createdAtMs === undefined ? null : new Date(createdAtMs).toISOString() };
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const savedHead = z.object({ sequence: z.int().positive(), hash, mac: hash });

function parseHead(text: string): AuditHead {
  const [, sequence, inline = ''] = /^(\d+):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence !== undefined) return { sequence: Number(sequence), hash: inline };
  try {
    return savedHead.parse(JSON.parse(readFileSync(text, 'utf8')));
  } catch {
    throw new InvalidArgumentError('It is neither SEQUENCE:HASH nor a file that audit head has written.');
  }
}
