import { execFile } from 'node:child_process';
import { basename, dirname } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Packs a folder so that the same content gives the same bytes.
 * @param builtAt  time of all files, in seconds since the epoch
 * @param file     ends in `.tar.gz`
 */
export async function packTarball(folder: string, builtAt: number, file: string): Promise<void> {
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${builtAt}`, '--mode=u+w,go-w'];
  const flags = ['--use-compress-program=gzip -n', ...same, '-C', dirname(folder)];
  await run('tar', ['--create', '--file', file, ...flags, basename(folder)]);
}
