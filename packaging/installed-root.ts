import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Lays out what a package of a distribution installs: Linkspan in `/opt/linkspan`, where the units look for it, `linkspan` in `/usr/bin`, and the
 * units.
 * @param tree  a folder of `makeProgramTree`
 * @param root  an empty folder, which becomes the root of the machine
 */
export function layOutRoot(tree: string, root: string): void {
  cpSync(tree, join(root, 'opt/linkspan'), { recursive: true, verbatimSymlinks: true });
  for (const folder of ['usr/bin', 'usr/lib/systemd/system', 'usr/share/doc/linkspan'])
    mkdirSync(join(root, folder), { recursive: true });
  symlinkSync('/opt/linkspan/bin/linkspan', join(root, 'usr/bin/linkspan'));
  for (const unit of readdirSync(join(tree, 'deploy')).filter((name) => name.endsWith('.service')))
    cpSync(join(tree, 'deploy', unit), join(root, 'usr/lib/systemd/system', unit));
  cpSync(join(tree, 'LICENSE'), join(root, 'usr/share/doc/linkspan/copyright'));
}
