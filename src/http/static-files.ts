import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

/**
 * Headers of a page and its files. The page runs only its own scripts, connects only to its own server, and no page can frame
 * it. `require-trusted-types-for` also refuses a text that becomes markup or script.
 */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  vary: 'accept-encoding',
} as const;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

/** A path with a hash in its name never has another content. */
const HASHED = /-[\w-]{8,}\.\w+$/;

/**
 * Serves the files of a folder: one page as `/`, all files that are no page under their names. It reads them once, so no request chooses a
 * path, and only these paths exist: every other one keeps its error.
 * @param page  the name of the page
 * @throws Error for a file of an unknown type
 */
export function registerStaticFiles(app: FastifyInstance, folder: string, page = 'index.html'): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const type = TYPES[extname(file)];
    if (type === undefined) throw new Error(`${file} has no known type`);
    const name = relative(folder, file).split(sep).join('/');
    if (type === TYPES['.html'] && name !== page) continue;
    const plain = readFileSync(file);
    const zipped = gzipSync(plain, { level: 9 });
    const cache = HASHED.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache';
    app.get(name === page ? '/' : `/${name}`, (request, reply) => {
      const takesGzip = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(request.headers['accept-encoding'] ?? '');
      void reply.headers({ ...PAGE_HEADERS, 'content-type': type, 'cache-control': cache });
      if (takesGzip) void reply.header('content-encoding', 'gzip');
      return reply.send(takesGzip ? zipped : plain);
    });
  }
}
