import { Command } from 'commander';
import { deliver, type Hook, readHooks } from '../../hooks/index.ts';
import { messageOf, newId, systemClock, UserError } from '../../platform/index.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { type ReportCheck, reporting } from '../command-line/reporting.ts';
import { catchSignals } from '../command-line/signals.ts';
import { setting } from '../terminal/setting.ts';

interface TestOptions {
  readonly hooksFile: string;
  readonly hook?: string;
}

/** `linkspan hooks`: tries the hooks of a file. */
export function hooksCommand(): Command {
  const command = new Command('test')
    .summary('Send a test event to each hook')
    .description(
      'Send a test event to each hook of a file, from this machine, once and without a queue. ' +
        'The server need not run. It ends with 1 when a hook fails.',
    )
    .addOption(
      setting(
        'hooks-file',
        '<file>',
        'YAML file with commands and webhooks, as for serve and sync',
      ).makeOptionMandatory(),
    )
    .option('--hook <name>', 'Test only this hook');
  return new Command('hooks')
    .description('Test the commands and webhooks that receive events of migrations.')
    .commandsGroup('Core commands:')
    .addCommand(reporting(command, test));
}

/** @throws UserError HOOK_UNKNOWN, and those of the file */
async function test({ hooksFile, hook: name }: TestOptions, check: ReportCheck) {
  const { hooks } = readHooks(hooksFile);
  const chosen = name === undefined ? hooks : hooks.filter((hook) => hook.name === name);
  if (chosen.length === 0)
    throw new UserError('HOOK_UNKNOWN', [hooksFile, name ?? '', hooks.map((hook) => hook.name).join(', ')]);
  using signals = catchSignals();
  let code: ExitCode = exitCode.done;
  for (const hook of chosen) {
    const reason = await failureOf(hook, signals.signal);
    if (signals.signal.aborted) return { code: exitCode.interrupted };
    if (reason !== undefined) code = exitCode.failed;
    check(reason === undefined ? 'ok' : 'failed', `hook ${hook.name}`, reason ?? 'it took the test event');
  }
  return { code };
}

async function failureOf(hook: Hook, signal: AbortSignal): Promise<string | undefined> {
  const atMs = systemClock.now();
  const event = {
    id: newId(atMs),
    type: 'hooks.test' as const,
    timestamp: new Date(atMs).toISOString(),
    data: { hook: hook.name },
  };
  try {
    await deliver(hook, event, systemClock, signal);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
