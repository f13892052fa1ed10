import type { MongoClient } from 'mongodb';
import { type LedgerWriter, startLedgerWriter } from '../support/ledger-writer.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { AcknowledgedWriter } from './acknowledged-writer.ts';
import { type CatalogPlan, CatalogWriter } from './catalog-writer.ts';
import { letters } from './letters.ts';
import type { OddWriter, Plan } from './plan.ts';
import { rings } from './rings.ts';
import type { RoundLog } from './round-log.ts';
import { saves } from './saves.ts';
import { unstreamedWrites } from './unstreamed-writes.ts';
import { WriterLoop, type WriteStep } from './writer-loop.ts';

const SAVE_EVERY_MS = 25;
const UNSTREAMED_EVERY_MS = 120;
const RING_EVERY_MS = 40;
const LETTERS_EVERY_MS = 250;

/** The parts of a plan that concern its writers. */
export interface WritersPlan extends CatalogPlan, Pick<Plan, 'seed' | 'writesPerSecond' | 'oddWriters'> {}

/** All writers of a round with one migration. */
export interface Writers extends AsyncDisposable {
  readonly ledger: LedgerWriter;
  readonly acknowledged: AcknowledgedWriter;
  readonly catalog: CatalogWriter;
  /** Stops the writers of selected namespaces. The others continue. */
  stopSelected(): Promise<void>;
  /** Stops the writers that change the catalog. */
  stopCatalog(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * @param applications  clients of the source and the destination, with a user whom the write block refuses
 * @param rests  whether nothing may be written for now
 */
export async function startWriters(
  applications: readonly [MongoClient, MongoClient],
  plan: WritersPlan,
  log: RoundLog,
  rests: () => boolean,
): Promise<Writers> {
  const [source] = applications;
  const random = (n: number) => new SeededRandom(plan.seed + n);
  const ledger = await startLedgerWriter({
    clients: applications,
    namespaces: ['shop.a', 'shop.b'],
    seed: plan.seed,
    ratePerSecond: plan.writesPerSecond,
    rests,
  });
  const acknowledged = new AcknowledgedWriter(source, random(1));
  const catalog = new CatalogWriter(source, random(2), plan, rests);
  const drops = !plan.catalogStandsStill;
  const odd = (name: OddWriter, step: WriteStep, everyMs: number) =>
    plan.oddWriters.includes(name) ? new WriterLoop(step, everyMs, rests) : undefined;
  const saving = odd('saves', saves(source, random(3)), SAVE_EVERY_MS);
  const inRings = odd('rings', rings(source, random(4), { drops }), RING_EVERY_MS);
  const inLetters = drops ? odd('letters', letters(source, random(5)), LETTERS_EVERY_MS) : undefined;
  const unstreamed = odd('unstreamed', unstreamedWrites(source, random(6), { catalog: drops }), UNSTREAMED_EVERY_MS);
  const stopSelected = async () =>
    void (await Promise.all([ledger.stop(), acknowledged.stop(), saving?.stop(), inRings?.stop()]));
  const stopCatalog = async () => void (await Promise.all([catalog.stop(), inLetters?.stop(), unstreamed?.stop()]));
  const stop = async () => void (await Promise.all([stopSelected(), stopCatalog()]));
  return {
    ledger,
    acknowledged,
    catalog,
    stopSelected,
    stopCatalog,
    stop: async () => {
      await stop();
      const accepted = [catalog, saving, inRings, inLetters, unstreamed].map((one) => one?.accepted ?? 0);
      log.say(
        `${ledger.snapshot().documentsWritten} documents written, ${acknowledged.acknowledged} acknowledged one by one; accepted: ${accepted.join(
          ', ',
        )} of the catalog, saves, capped collections, letters, unstreamed writes`,
      );
    },
    [Symbol.asyncDispose]: async () => {
      await ledger[Symbol.asyncDispose]();
      await stop().catch(() => undefined);
    },
  };
}
