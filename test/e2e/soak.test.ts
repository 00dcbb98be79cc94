/** The short form of `npm run soak`. */
import { expect, it } from 'vitest';
import { broken, tableOf } from '../soak/report.js';
import { soak } from '../soak/soak.js';

it('a busy pool whose calls fail, whose events are lost, whose images are built, whose daemon is killed and whose database ends loses nothing and leaves nothing', async () => {
  const report = await soak({
    seconds: 90,
    nodes: 40,
    providers: 3,
    masters: 2,
    failRate: 0.02,
    killEverySeconds: 22,
    databaseRestarts: 2,
    silenceEverySeconds: 15,
    buildEverySeconds: 4,
    engine: 'mariadb',
    jobSeconds: 2,
    connections: 30,
    // On a machine that does much else.
    restSeconds: 120,
    seed: 1,
    say: () => undefined,
  });
  expect(broken(report), tableOf(report)).toEqual([]);
  expect(report.lives).toMatchObject({ kills: 3, databaseRestarts: 2 });
  expect(report.tally.finishedJobs).toBeGreaterThan(0);
  expect(report.tally.events.lost).toBeGreaterThan(0);
  expect(report.tally.events.repeated).toBeGreaterThan(0);
  expect(report.tally.builds.ready).toBeGreaterThan(2);
  // The measurements are of the daemon.
  expect(report.samples.some(each => (each.connections ?? 0) > 0 && (each.heapMb ?? 0) > 0)).toBe(true);
}, 420_000);
