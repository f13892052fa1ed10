import { Command, InvalidArgumentError } from 'commander';
import { type AuditHead, verifyAudit } from '../control/index.ts';
import { openSqliteReader } from '../store/sqlite/index.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { dataDirectory } from './setting.ts';

/** `linkspan audit`: what was done, and whether the record of it is whole. Its events are read with `linkspan event`. */
export function auditCommand(): Command {
  const verify = new Command('verify')
    .summary('check that no audit record was altered, added or removed')
    .description(
      'Check that no audit record of a data directory was altered, added or removed; its server may run meanwhile. ' +
        "Prints the chain's head, SEQUENCE:HASH. Note it elsewhere and give it to a later check: only so it is missed when the last records are cut off, or all are written anew.",
    )
    .addOption(dataDirectory())
    .option('--head <sequence:hash>', 'a head that was noted earlier', parseHead)
    .action(async ({ dataDir, head }: { readonly dataDir: string; readonly head?: AuditHead }) => {
      process.exitCode = await runVerify(dataDir, head);
    });
  return new Command('audit').summary('check the audit records').addCommand(verify);
}

async function runVerify(directory: string, noted: AuditHead | undefined): Promise<ExitCode> {
  using store = openSqliteReader(directory);
  const outcome = await verifyAudit(store, noted);
  if ('broken' in outcome) {
    const { sequence, problem } = outcome.broken;
    process.stderr.write(`linkspan audit: record ${sequence}: ${problem}\n`);
    return exitCode.differences;
  }
  const { sequence, hash } = outcome.head;
  process.stdout.write(`${sequence}:${hash}\n`);
  process.stderr.write(`linkspan audit: ${sequence} records are whole\n`);
  return exitCode.done;
}

function parseHead(text: string): AuditHead {
  const [, sequence, hash = ''] = /^(\d+):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence === undefined) throw new InvalidArgumentError('It is not of the form SEQUENCE:HASH.');
  return { sequence: Number(sequence), hash };
}
