/**
 * `npm run bench:api -- [--rounds N] [--only A2,A4]` measures ratios of the API's cost. `npm run bench:api -- --hostile [--seconds S]` measures a
 * well-behaved organization beside the attacks of another.
 */
await import(process.argv.includes('--hostile') ? './hostile.ts' : './main.ts');
