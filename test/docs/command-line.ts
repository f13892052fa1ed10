import assert from 'node:assert/strict';
import type { Command } from 'commander';
import { applyCommand } from '../../src/cli/fleets/apply.ts';
import { syncCommand } from '../../src/cli/migrate/sync-command.ts';
import { agentCommand } from '../../src/cli/run/agent.ts';
import { serveCommand } from '../../src/cli/run/serve-command.ts';

const COMMANDS: Readonly<Record<string, () => Command>> = {
  agent: agentCommand,
  apply: applyCommand,
  serve: serveCommand,
  sync: syncCommand,
};

/** Variables of these commands that no flag has. */
const OTHER_VARIABLES = [
  'LINKSPAN_LINK_TOKEN',
  'LINKSPAN_LINK_TOKEN_FILE',
  // Commands that administer read these, run in the same container.
  'LINKSPAN_URL',
  'LINKSPAN_ORG_ID',
  'LINKSPAN_PUBLIC_KEY',
  'LINKSPAN_PRIVATE_KEY',
  'LINKSPAN_CONFIG_FILE',
];

/**
 * Parses arguments as a command does, without running it.
 * @param variables  the environment
 * @returns the options
 * @throws Error for an unknown command, flag or variable
 */
export function parsedBy(
  name: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Record<string, unknown> {
  const command = COMMANDS[name]?.();
  if (command === undefined) throw new Error(`no such command: ${name}`);
  const known = [...command.options.flatMap(({ envVar }) => envVar ?? []), ...OTHER_VARIABLES];
  assert.deepEqual(
    Object.keys(variables).filter((variable) => !known.includes(variable)),
    [],
    'unknown variables',
  );
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    const silent = { writeErr: () => undefined };
    command.exitOverride().configureOutput(silent);
    return command
      .action(() => undefined)
      .parse(args, { from: 'user' })
      .opts();
  } finally {
    process.env = before;
  }
}
