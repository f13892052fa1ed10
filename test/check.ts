import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';
import manifest from '../package.json' with { type: 'json' };

/**
 * `npm run check`: runs all scripts of package.json that begin with `check:`, as many at a time as there are processors. Prints how long each took, and the
 * output of those that fail. Exit code 1: some failed. The slowest come first in package.json.
 */
const parts = Object.entries(manifest.scripts).filter(([name]) => name.startsWith('check:'));

async function runParts(): Promise<void> {
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const [name, command] = part;
    const began = performance.now();
    const child = spawn(`${command} 2>&1`, { shell: true, stdio: ['ignore', 'pipe', 'inherit'] });
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    console.log(code === 0 ? `· ${name} (${seconds} s)` : `✖ ${name} (${seconds} s): ${command}\n${output}`);
    if (code !== 0) process.exitCode = 1;
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, runParts));
