import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { minify } from '@swc/core';
import { defineConfig, type Plugin } from 'vite';
import { licenses } from '../../packaging/licenses.ts';

/** Minifies with SWC before Vite's own minifier: together, they save 2 % of the zipped size. */
const minified: Plugin = {
  name: 'minify with SWC',
  renderChunk: async (code) => {
    const result = await minify(code, { module: true, compress: { passes: 3 }, mangle: true });
    return { code: result.code };
  },
};

// biome-ignore lint/style/noDefaultExport: Vite reads the default export
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  publicDir: false,
  plugins: [minified, licenses],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: fileURLToPath(new URL('../../dist/console', import.meta.url)),
    emptyOutDir: true,
    rollupOptions: {
      input: ['index.html', 'sync.html'].map((page) => join(import.meta.dirname, page)),
      // The pages use the words of the contract, and none of its schemas.
      treeshake: { moduleSideEffects: (id) => !id.includes('/src/contract/') },
    },
    // The strict CSP admits no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: false,
    target: 'es2022',
  },
});
