import { spawnSync } from 'node:child_process';

/** The largest file that {@link callOnFullDisk} can write has at most this size, in bytes. */
export const FULL_AT_BYTES = 8_192;

/**
 * Calls an exported function in a process whose files can't grow past a limit. As on a disk that fills up, the system writes the part that
 * fits, and fails only at the next write.
 * @param module  URL of the module that exports it
 * @returns the message of the error that it threw; empty if it returned
 */
export function callOnFullDisk(module: URL, name: string, parameters: string): string {
  const script = `
    const { [${JSON.stringify(name)}]: act } = await import(${JSON.stringify(module.href)});
    try {
      act(...${parameters});
    } catch (error) {
      process.stdout.write(error.message);
    }
  `;
  // Shells count in blocks of 512 or 1,024 bytes.
  const limited = 'ulimit -f 8 && exec "$@"';
  const command = [process.execPath, '--input-type=module', '--eval', script];
  const { status, stdout, stderr } = spawnSync('sh', ['-c', limited, 'sh', ...command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the process failed: ${stderr}`);
  return stdout;
}
