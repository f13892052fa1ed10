import { type Command, Option } from 'commander';
import { LOAD_LEVELS } from './sync-flags.ts';

/** mongosync's flags that change nothing here, and those that are refused. `PROCESS_OPTIONS` of src/sync has the reasons, and loads when the command runs. */
const WITHOUT_EFFECT = [
  'acceptDisclaimer',
  'disableTelemetry',
  'disableMetricsLogging',
  'enableCappedCollectionHandling',
] as const;
const REFUSED = ['id', 'metricsLoggingFilepath', 'createIndexesBatchSize', 'hotDocIDs', 'longRetryTime'] as const;

/** Gives a command those of mongosync's flags that Linkspan names otherwise, or lacks. They are left out of the help. */
export function withMongosyncFlags(command: Command): Command {
  const options = [
    new Option('--loadLevel <level>').choices(LOAD_LEVELS.map(String)),
    new Option('--logPath <directory>'),
    new Option('--disableVerification'),
    ...WITHOUT_EFFECT.map((name) => new Option(`--${name}`)),
    ...REFUSED.map((name) => new Option(`--${name} <value>`)),
  ];
  for (const option of options) command.addOption(option.hideHelp());
  return command;
}

/** Returns the name of a refused flag that was given. */
export function refusedFlag(flags: object): (typeof REFUSED)[number] | undefined {
  return REFUSED.find((name) => Object.hasOwn(flags, name));
}
