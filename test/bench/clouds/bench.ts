/** `npm run bench:clouds`: the figures of the section "Clouds" of docs/benchmarks.md, as its table. */
import { loadavg } from 'node:os';

import { measureBuilds } from './builds.js';
import { measureEventLoop } from './event-loop.js';
import { countLists } from './lists.js';
import { measureUpload } from './upload.js';

const loop = await measureEventLoop();
const lists = await countLists();
const upload = await measureUpload();
const builds = await measureBuilds();

const ms = (value: number): string => `${value.toFixed(1)} ms`;
const rows: readonly (readonly string[])[] = [
  ['What', 'Figure', 'Must'],
  ['---', '---', '---'],
  [`main thread late, p99, at ${loop.handshakes} handshakes and ${loop.calls} calls`, ms(loop.late.p99), '< 20 ms'],
  ['… p50, worst', `${ms(loop.late.p50)}, ${ms(loop.late.max)}`, ''],
  ['… p99 with nothing to do', ms(loop.lateWhenIdle.p99), ''],
  ['… share of its time in which it worked', `${(loop.utilization * 100).toFixed(0)} %`, ''],
  [
    `lists in ${lists.intervals} intervals, ${lists.launches} launches waiting`,
    `${lists.lists}`,
    `≤ ${lists.intervals}`,
  ],
  ['… questions for one server', `${lists.gets}`, ''],
  [`memory for ${upload.mib} MiB to Glance`, `${upload.growthMib.toFixed(1)} MiB`, '< 64 MiB'],
  ['… seconds', upload.seconds.toFixed(1), ''],
  [
    `main thread late, p99, while ${builds.builds} images are built and ${builds.launches} nodes launched`,
    ms(builds.late.p99),
    '< 20 ms',
  ],
  ['… p50, worst', `${ms(builds.late.p50)}, ${ms(builds.late.max)}`, ''],
  ['… p99 with nothing to do', ms(builds.lateWhenIdle.p99), ''],
  ['… share of its time in which it worked', `${(builds.utilization * 100).toFixed(0)} %`, ''],
  [`… images that one provider builds at once, in ${builds.looks} looks`, `${builds.atOnce}`, `${builds.imageBuilds}`],
  ['… seconds', builds.seconds.toFixed(1), ''],
];
console.log(rows.map(cells => `| ${cells.join(' | ')} |`).join('\n'));
console.log(`\nload of the machine: ${loadavg()[0]?.toFixed(1)}`);
