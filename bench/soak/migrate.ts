import { startApplications } from './applications.ts';
import { SoakEngine } from './engine.ts';
import { placeOf, plannedFaults } from './faults.ts';
import type { Soak } from './soak.ts';

/** Migrates under writes and faults, until the migration is ready for a cutover. */
export async function migrate(soak: Soak): Promise<string> {
  const { folder, servers, record } = soak;
  const { state } = folder;
  let repairs = 0;
  await using applications = await startApplications(servers, ['source'], state.seed);
  await using engine = await SoakEngine.start(soak);
  record.look = () => engine.figures(servers.pair.destination.client);
  for (const fault of plannedFaults(state.seed)) {
    if (state.faults.includes(fault.name)) continue;
    const place = await engine.until(fault.name, (progress) => {
      const now = placeOf(progress);
      return now !== undefined && now >= fault.place ? now : undefined;
    });
    console.log(`${fault.name}: at ${place.toFixed(2)}, planned at ${fault.place.toFixed(2)}`);
    await fault.inject({ engine, servers });
    state.faults.push(fault.name);
    folder.save();
  }
  await engine.until('the migration to be ready', ({ canCommit, linkspan }) => {
    repairs = linkspan?.repairs?.declared ?? 0;
    return canCommit;
  });
  const { documentsWritten, unknown } = await applications.stop();
  if (repairs === 0) throw new Error('The oplog went round, and the engine has not declared lost history.');
  return `${state.faults.length} faults, ${documentsWritten} documents written meanwhile (${unknown} writes of unknown outcome)`;
}
