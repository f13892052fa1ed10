import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const ROOT = new URL('../../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, ROOT), 'utf8');
const page = read('docs/plan/limits-and-sizing.md');
/** Units of the page in those of the constants, which count bytes and milliseconds. */
const UNITS: Readonly<Record<string, number>> = { MiB: 1024 * 1024, KiB: 1024, s: 1_000 };

/** Returns the value of a constant, which may be a product. */
function constantOf(file: string, name: string): number {
  const [, expression = ''] = new RegExp(`^(?:export )?const ${name} = ([\\d_ *]+);`, 'm').exec(read(file)) ?? [];
  assert.notEqual(expression, '', `${name} in ${file}`);
  return expression
    .split('*')
    .map((factor) => Number(factor.replaceAll('_', '')))
    .reduce((product, factor) => product * factor, 1);
}

test('the limits of the page are those of the code', () => {
  const rows = [...page.matchAll(/^\| (.+?) \| ([\d,]+)(?: (\w+))? \| `(\w+)` in `(\S+)` \|$/gm)];
  assert.ok(rows.length > 15, `${rows.length} rows`);
  for (const [, what, number = '', unit = '', name = '', file = ''] of rows) {
    const told = Number(number.replaceAll(',', '')) * (UNITS[unit] ?? 1);
    assert.equal(told, constantOf(file, name), what);
  }
});

test('the limits that flags change are their defaults', () => {
  const flags = [...page.matchAll(/^\| .+? \| ([\d,]+)(?: \w+)? \| `--([\w-]+)` \|$/gm)];
  assert.ok(flags.length >= 4, `${flags.length} rows`);
  const settings = ['src/cli/run/serve-command.ts', 'src/engine/concurrency/memory-budget.ts'].map(read).join('\n');
  for (const [, number = '', flag = ''] of flags) {
    const plain = number.replaceAll(',', '');
    const isDefault = new RegExp(`'${flag}'[\\s\\S]{0,200}?['(]${plain}[')]`).test(settings);
    const isMemory = flag === 'memory-megabytes' && settings.includes(`DEFAULT_MEMORY_MEGABYTES = ${plain};`);
    assert.ok(isDefault || isMemory, `--${flag} is ${number} by default`);
  }
});
