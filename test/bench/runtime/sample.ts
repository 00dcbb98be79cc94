/**
 * One sample: one workload on one system, in a process of its own. Arguments: system, workload, the share of the count
 * that is to be run. Its last line on stdout is the figures as JSON, or why there are none.
 */
import { catalogue, type Measured } from './catalogue.js';
import { median } from './meters.js';
import type { System } from './peer.js';
import { workloads, type Figures, type Workload } from './workloads.js';

const [, , systemName = '', workloadName = '', share = '1'] = process.argv;
const measured = catalogue.find(each => each.workload === workloadName);
const workload = workloads[workloadName];
if (!measured || !workload) throw new Error(`no workload ${workloadName}`);
// A system that fails by an exception nobody handles has failed the workload.
process.on('uncaughtException', error => finish({ failed: String(error) }));
const { system } = (await import(`./systems/${systemName}.js`)) as { system: System };
const reason = system.cannot[workloadName];
if (reason !== undefined) finish({ failed: reason });
finish({ figures: await figuresOf(measured, workload, system) });

async function figuresOf(measured: Measured, workload: Workload, system: System): Promise<Figures> {
  const full = system.isSlow ? measured.slowCount : measured.count;
  const units = Math.max(1, Math.round((full * Number(share)) / measured.multipleOf));
  const count = units * measured.multipleOf;
  const run = async (): Promise<Figures> => {
    const peer = await system.open();
    const figures = await workload(peer, count);
    await peer.close();
    return figures;
  };
  const runs: Figures[] = [];
  for (let i = 0; i < measured.runs; i++) runs.push(await run());
  const keys = Object.keys(runs[0] ?? {});
  return Object.fromEntries(keys.map(key => [key, median(runs.map(figures => figures[key] ?? NaN))]));
}

function finish(result: { figures: Figures } | { failed: string }): never {
  console.log(JSON.stringify(result));
  process.exit(0);
}
