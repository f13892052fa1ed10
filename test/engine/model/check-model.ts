import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import type { ReplicaSetPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { schedules } from './operation.ts';
import { runSchedule } from './run-schedule.ts';

/** How long a failed schedule may be shortened. */
const SHRINK_FOR_MS = 120_000;

export interface ModelReport {
  /** Migrations that ended with identical clusters. */
  readonly runs: number;
  /** Operations that the source accepted, and refused. */
  readonly accepted: number;
  readonly refused: number;
  readonly documentsCompared: number;
}

/**
 * Runs migrations along random schedules until the time is over.
 *
 * `LINKSPAN_MODEL_SEED` and `LINKSPAN_MODEL_PATH` repeat what a failure printed. Real servers and a real network take part, so that a race
 * may need several tries to show again.
 * @throws Error with seed, path and the shortest schedule found that fails
 */
export async function checkModel(pair: ReplicaSetPair, limitMs: number): Promise<ModelReport> {
  const report = { runs: 0, accepted: 0, refused: 0, documentsCompared: 0 };
  const { LINKSPAN_MODEL_SEED: seed, LINKSPAN_MODEL_PATH: path } = process.env;
  const property = fc.asyncProperty(schedules(!needsSource('6.0', 'its catalog stands still')), async (schedule) => {
    const course = await runSchedule(pair, schedule);
    report.runs += 1;
    report.accepted += course.accepted;
    report.refused += course.refused;
    report.documentsCompared += course.documentsCompared;
  });
  const first = seed === undefined ? randomInt(2 ** 31) : Number(seed);
  const end = Date.now() + limitMs;
  // One seed a run, so that the last run is not cut short but ends.
  do {
    await fc.assert(property, {
      numRuns: 1,
      unbiased: true,
      seed: first + report.runs,
      interruptAfterTimeLimit: SHRINK_FOR_MS,
      ...(path === undefined ? {} : { path }),
    });
  } while (path === undefined && Date.now() < end);
  return report;
}
