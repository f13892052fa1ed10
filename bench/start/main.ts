import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'rolldown';
import program from '../../rolldown.config.ts';
import { measure, report, timed } from '../rounds.ts';
import { measureMigrations } from './small-migration.ts';

/**
 * `node bench/start/main.ts [--rounds N] [--part commands|migration]`: compiles the program, and measures how long its commands take to start,
 * beside a Node.js that does nothing, and how long a small migration takes. The warm-up round fills the compile cache, as the first start of an
 * installed program does.
 */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, part: { type: 'string', default: 'commands' } },
});
const rounds = Number(values.rounds);
await build(program);
const launch = resolve(import.meta.dirname, '../../dist/program/launch.js');
const started = (name: string, args: readonly string[]) => ({
  name,
  run: () => timed(async () => execFileSync(process.execPath, args, { stdio: 'ignore' })),
});
const commands = [['--version'], ['--help'], ['migration', '--help'], ['serve', '--help'], ['sync', '--help']];
const contenders = [
  started('node -e 0', ['-e', '0']),
  ...commands.map((words) => started(`linkspan ${words.join(' ')}`, [launch, ...words])),
];
if (values.part === 'migration') {
  process.env.LINKSPAN_TEST_PROGRAM = launch;
  await measureMigrations(rounds);
} else report('start of a command', 1, 'starts', await measure(contenders, rounds));
