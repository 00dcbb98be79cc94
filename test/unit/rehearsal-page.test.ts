import { expect, test } from 'vitest';
import { reportPage } from '../../src/sim/rehearsal-page.js';
import type { Course, RehearsalReport, Sample } from '../../src/sim/rehearsal.js';

const report: RehearsalReport = {
  speed: 10,
  fault: 'quota-cut',
  jobs: 2,
  jobWaitP50Seconds: 10,
  jobWaitP99Seconds: 20,
  idleNodeHours: 1,
  nodesLaunched: 3,
  nodesDeleted: 2,
  launchFailures: 0,
  kills: 0,
  peakServers: { alpha: 4 },
  peakConnections: 5,
  leakedServers: 0,
  leakedSlaves: 0,
  secondJobs: 0,
  lateP99Seconds: 0.2,
  seconds: 6,
  isFinished: true,
};
const sample = (at: number, ready: number): Sample => ({
  at,
  nodes: { ready, used: 1, hold: 0 },
  servers: { 'a<b': ready },
  waiting: 2,
  running: 1,
  finished: 0,
  connections: 3,
});
const course: Course = {
  samples: [sample(0, 1), sample(30, 2), sample(60, 3)],
  waits: [10, 20],
  fault: { name: 'quota-cut', from: 15, until: 45 },
};
const page = (of = report, how = course): string =>
  reportPage(of, how, { title: 'Rehearsal of <x>', figures: [['jobs', '2 & more']] });

test('it loads nothing, and runs nothing', () => {
  expect(page()).not.toMatch(/<script|<link|<img|url\(|https?:/);
});

test('what names and figures say is text', () => {
  expect(page()).toContain('<h1>Rehearsal of &lt;x&gt;</h1>');
  expect(page()).toContain('<td>2 &amp; more</td>');
  expect(page()).toContain('a&lt;b <small>at most 3</small>');
  expect(page()).not.toContain('a<b');
});

test('states that never came up are left out, the others stand on each other', () => {
  const [, states = ''] = page().split('<figcaption>Nodes by state</figcaption>');
  const [drawing = ''] = states.split('</figure>');
  expect(drawing).not.toContain('hold');
  // Of 4 at most: used ends where it stands on ready.
  expect(drawing).toContain('points="48,102 398,56 748,10 748,56 398,102 48,148"');
});

test('the fault is shaded from its begin to its end', () => {
  expect(page()).toContain('<rect class="fault" x="223" y="10" width="350" height="184">');
  expect(page(report, { ...course, fault: null })).not.toContain('<rect');
});

test('it says whether all went well', () => {
  expect(page()).toContain('All jobs are done');
  expect(page({ ...report, leakedServers: 1 })).toContain('something leaked');
});

test('a rehearsal in which nothing was seen has a page too', () => {
  expect(page(report, { samples: [], waits: [], fault: null })).toContain('</html>');
});
