import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Architecture, ownArchitecture } from '../../../packaging/architectures.ts';
import { makeProgramTree } from '../../../packaging/program-tree.ts';
import { packTarball } from '../../../packaging/tarball.ts';
import { cacheFolder } from '../../support/mongod-binary.ts';
import { builtCopy } from '../built-copy.ts';
import type { Podman } from './podman.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DOCKERFILE = join(ROOT, 'deploy/Dockerfile');
const BUILT_AT = 1_700_000_000;
/** The packages of Debian in the default base of deploy/Dockerfile that Node.js needs: the C library and libstdc++. */
const LIBRARIES = 'libc6,libgcc-s1,libstdc++6';

/** The program that starts others: the base image has no other one. */
const LOADERS = { amd64: '/lib64/ld-linux-x86-64.so.2', arm64: '/lib/ld-linux-aarch64.so.1' } as const;

/** Name of the base image that {@link addBase} makes. */
const BASE = 'localhost/base';

/** Name of the image that `ImageContext.build` makes. */
export const IMAGE = 'localhost/linkspan';

/**
 * Makes a base image of packages of Debian: no shell, no package manager.
 * @returns the reason why that is impossible here; false when a program of that image runs in a container
 */
export async function addBase(podman: Podman): Promise<string | false> {
  const file = join(cacheFolder(), 'image-base-bookworm.tar');
  try {
    if (!existsSync(file)) {
      mkdirSync(cacheFolder(), { recursive: true });
      const draft = `${file}.${process.pid}.tar`;
      await run('mmdebstrap', ['--mode=root', '--variant=extract', `--include=${LIBRARIES}`, 'bookworm', draft]);
      renameSync(draft, file);
    }
    await podman.do('import', file, BASE);
    await podman.do('run', '--rm', '--network', 'host', BASE, LOADERS[ownArchitecture()], '--version');
    return false;
  } catch (error) {
    return `containers can't run here: ${String(error).trim().split('\n').at(-1)}`;
  }
}

/** The context of deploy/Dockerfile, as `npm run package` makes it, but without Debian packages. */
export class ImageContext {
  readonly #checkout: string;
  readonly #folder: string;
  readonly #version: string;

  private constructor(folder: string) {
    this.#folder = join(folder, 'context');
    this.#checkout = join(folder, 'checkout');
    this.#version = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
    mkdirSync(this.#folder);
  }

  /** @param folder  an empty folder */
  static async create(folder: string): Promise<ImageContext> {
    const context = new ImageContext(folder);
    await builtCopy(context.#checkout);
    return context;
  }

  /** Makes the tarball for a processor, as far as npm reaches a registry. @returns the folder that it was made of */
  async add(architecture: Architecture): Promise<string> {
    const tree = join(this.#folder, '..', architecture, `linkspan-${this.#version}`);
    await makeProgramTree(this.#checkout, tree, { architecture, builtAt: BUILT_AT });
    const name = `linkspan-${this.#version}-linux-${architecture}.tar.gz`;
    await packTarball(tree, BUILT_AT, join(this.#folder, name));
    return tree;
  }

  /** Builds the image. @param flags  of `podman build` */
  async build(podman: Podman, image = IMAGE, base = BASE, ...flags: readonly string[]): Promise<void> {
    const tag = ['--tag', image, '--build-arg', `BASE=${base}`];
    // Only this format has a health check.
    const format = ['--format', 'docker', '--pull-never', '--file', DOCKERFILE];
    await podman.do('build', ...format, ...tag, ...flags, this.#folder);
  }
}
