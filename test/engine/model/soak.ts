import { parseArgs } from 'node:util';
import { startPair } from '../../support/replica-set.ts';
import { checkModel } from './check-model.ts';

/** `npm run test:model -- --minutes M`: random schedules for that long, 10 minutes by default. */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
await using pair = await startPair();
console.log(await checkModel(pair, Number(values.minutes) * 60_000));
