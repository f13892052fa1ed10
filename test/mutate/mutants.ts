import { type Mutant, mutantsOf } from './mutant.ts';
import { OF_CUTOVER } from './mutants-of-cutover.ts';
import { OF_DATA } from './mutants-of-data.ts';
import { OF_PRODUCT } from './mutants-of-product.ts';
import { OF_RUNS } from './mutants-of-runs.ts';
import { OF_SHARDING } from './mutants-of-sharding.ts';
import { OF_VERIFICATION } from './mutants-of-verification.ts';

/** All mutants. Each breaks one rule that prevents a loss of documents or a wrong report. */
export const MUTANTS: readonly Mutant[] = [
  OF_DATA,
  OF_VERIFICATION,
  OF_RUNS,
  OF_CUTOVER,
  OF_SHARDING,
  OF_PRODUCT,
].flatMap(mutantsOf);
