import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  dateOf,
  type Gate,
  type GateName,
  type Stage,
  type StageFacts,
  stageOf,
  type Work,
  workStageOf,
} from '../../src/contract/index.ts';
import { comparing, mismatch, snapshot, tailing, verified } from '../cli/progress/snapshots.ts';

const underRepair = {
  declared: 1,
  at: dateOf(0),
  reason: 'the oplog went round',
  collections: 3,
  collectionsDone: 1,
  documentsCompared: 1_234,
  keysDiffered: 5,
};
const running: StageFacts = {
  status: 'WORKING',
  wanted: 'RUNNING',
  isAgentLost: false,
  isBlocked: false,
  hasProblems: false,
};

function gate(name: GateName, state: Gate['state']): Gate {
  return { name, state, value: null, limit: null, reasons: [], measuredAt: null, etaSeconds: null };
}

test('each state of the engine has a stage', () => {
  const allCopied = { ...snapshot().copy, collectionsDone: 3 };
  const repaired = { ...underRepair, collectionsDone: 3 };
  const stages: [Work, Stage][] = [
    [snapshot({ state: 'CREATED' }), 'PREPARING'],
    [snapshot({ state: 'PREPARING' }), 'PREPARING'],
    [snapshot(), 'COPYING'],
    [snapshot({ repairs: underRepair }), 'COPYING'],
    [snapshot({ copy: allCopied }), 'BUILDING_INDEXES'],
    [snapshot({ copy: allCopied, repairs: underRepair }), 'REPAIRING'],
    [tailing(), 'CATCHING_UP'],
    [tailing({ repairs: underRepair }), 'REPAIRING'],
    [tailing({ repairs: repaired }), 'CATCHING_UP'],
    [tailing({ verification: comparing() }), 'VERIFYING'],
    [tailing({ verification: comparing(), readiness: [gate('LAG', 'WAITING')] }), 'CATCHING_UP'],
    [tailing({ verification: verified() }), 'CATCHING_UP'],
    [tailing({ readyForCutover: true }), 'READY'],
    [snapshot({ state: 'PAUSED' }), 'PAUSED'],
    [snapshot({ state: 'COMMITTING' }), 'CUTTING_OVER'],
    [snapshot({ state: 'COMMITTED' }), 'COMPLETE'],
    [snapshot({ state: 'CANCELLED' }), 'CANCELLED'],
    [snapshot({ state: 'FAILED' }), 'FAILED'],
  ];
  for (const [work, stage] of stages) assert.equal(workStageOf(work), stage);
});

test('the stage is what an operator has to know first', () => {
  const waiting = [{ for: 'the source', since: dateOf(0), reason: 'it does not answer' }];
  const different = verified({ mismatches: { found: 1, open: 1, latest: [mismatch] } });
  const held = [gate('DROPS', 'BLOCKED')];
  const all = tailing({ waiting, verification: different, readiness: held });
  const stages: [Partial<StageFacts>, Work | null, Stage][] = [
    [{ status: 'COMPLETE' }, all, 'COMPLETE'],
    [{ status: 'COMPLETE', hasProblems: true }, all, 'COMPLETE_WITH_PROBLEMS'],
    [{ status: 'EXPIRED' }, all, 'EXPIRED'],
    [{ status: 'FAILED' }, all, 'FAILED'],
    [{ status: 'FAILED', wanted: 'CANCELLED' }, all, 'CANCELLED'],
    [{ status: 'FAILED' }, snapshot({ state: 'CANCELLED' }), 'CANCELLED'],
    [{ isAgentLost: true, wanted: 'CANCELLED' }, all, 'AGENT_LOST'],
    [{ wanted: 'CANCELLED', isBlocked: true }, all, 'CANCELLING'],
    [{ wanted: 'CUTOVER' }, all, 'CUTTING_OVER'],
    [{ isBlocked: true }, all, 'CUTTING_OVER'],
    [{}, snapshot({ state: 'COMMITTING', waiting }), 'CUTTING_OVER'],
    [{ status: 'NEW', wanted: 'PAUSED' }, null, 'WAITING_TO_START'],
    [{ wanted: 'PAUSED' }, all, 'PAUSING'],
    [{ wanted: 'PAUSED' }, snapshot({ state: 'PAUSED', waiting }), 'PAUSED'],
    [{}, null, 'PREPARING'],
    [{}, snapshot({ state: 'PAUSED', waiting }), 'RESUMING'],
    [{}, all, 'DROPS_HELD'],
    [{}, { ...all, readiness: [] }, 'DIFFERENT'],
    [{}, tailing({ waiting }), 'WAITING'],
    [{}, snapshot(), 'COPYING'],
  ];
  for (const [facts, work, stage] of stages) assert.equal(stageOf({ ...running, ...facts }, work), stage);
});
