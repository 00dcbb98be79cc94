/** What a machine wrote on its console, fetched while it is still there, where that may say why its launch failed. */
import { consoleLines, consoleTail } from '../../domain/console.js';
import { Fault } from '../../domain/fault.js';
import { askCloud } from '../cloud/request.js';
import type { Step, StepIo, StepOutcome } from './step.js';

/** Steps that the machine itself may fail. */
const machineSteps: ReadonlySet<string> = new Set(['boot', 'ssh', 'files', 'ready-script']);
/** Of these its console knows nothing. */
const nothingToSay: ReadonlySet<string> = new Set([
  'actor.gone',
  'actor.timeout',
  'config.removed',
  'cloud.server-gone',
  'ssh.key',
  'ssh.key-exposed',
]);

/** Runs the step; with a failure of the machine comes the end of its console. */
export async function runExplained(name: string, step: Step, io: StepIo): Promise<StepOutcome> {
  const outcome = await settled(step, io);
  if (outcome.kind !== 'fault' || !machineSteps.has(name) || nothingToSay.has(outcome.fault.kind)) return outcome;
  return { ...outcome, console: await readConsole(io) };
}

async function settled(step: Step, io: StepIo): Promise<StepOutcome> {
  try {
    return await step.run(io);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: 'fault', fault: error, isCertain: false };
  }
}

/** Null where the cloud does not give it: the launch has failed for a reason of its own, which is told all the same. */
async function readConsole({ row: { provider, serverId }, settings, task, whose }: StepIo): Promise<string | null> {
  if (serverId === null || task.signal.aborted) return null;
  const wish = { lines: consoleLines };
  try {
    const call = { provider, op: 'consoleLog' as const, whose };
    const text = await askCloud(task, { ...call, args: [serverId, wish] }, settings.timings.api);
    return text === null ? null : consoleTail(text);
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}
