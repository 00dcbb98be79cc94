/** What is written and run on the machines of a node once all of them answer (reference 10.1 and 10.2). */
import { Fault } from '../../domain/fault.js';
import { nodeFiles, type Member, type NodeFile, type Place } from '../../domain/node-files.js';
import type { LaunchStep, NodeRow } from '../../domain/node-row.js';
import type { Label } from '../../domain/pool-config.js';
import { environmentPrefix, shellQuote } from '../../domain/quote.js';
import type { ShellCheck, ShellJob, ShellResult } from '../../ports/shell.js';
import type { Whose } from '../call-made.js';
import { scriptEnding } from '../script-ending.js';
import { loginOf, need } from './names.js';
import { whereabouts } from './self.js';
import { done, type Step, type StepIo } from './step.js';

const isGroup = ({ groupSize }: NodeRow): boolean => (groupSize ?? 1) > 1;

/** A single node gets its files over the connection that shows that it is there; those of a group name its other machines. */
export function filesAtLogin(io: StepIo): readonly NodeFile[] {
  const { row } = io;
  if (isGroup(row)) return [];
  const group = membersOf(row);
  return group.flatMap(member => nodeFiles(member, group, placeOf(io), null));
}

/** What comes once the node's own server answers; its subnodes come first where it has some. */
export function afterSsh({ notWritten }: ShellCheck, { row, settings, outside }: StepIo): LaunchStep {
  if (isGroup(row)) return 'group';
  const { label, image } = need(row, settings);
  if (notWritten !== null) {
    // Tried once more, and then the launch fails (lesson 132).
    if (image.source === 'snapshot' || label.readyScript !== null) return 'files';
    // An image that was not made here may have no place for them.
    outside.log.info(`node ${row.id}: nothing is written to /etc/nodepool: ${notWritten}`, whereabouts(row));
  }
  return afterFiles(label);
}

const afterFiles = ({ readyScript }: Label): LaunchStep => (readyScript === null ? 'register' : 'ready-script');

export const writeFiles: Step = {
  async run(io) {
    const { row, settings, outside } = io;
    const group = membersOf(row);
    const key = isGroup(row) ? await outside.newGroupKey(settings.config.groupKeyType) : null;
    for (const member of group) {
      await workOn(member, { files: nodeFiles(member, group, placeOf(io), key), command: null }, io);
    }
    return done(afterFiles(need(row, settings).label));
  },
};

/** Subnodes first, and the primary when all of them are ready. Begun again it is run again. */
export const runReadyScript: Step = {
  async run(io) {
    const { row, settings, outside } = io;
    const { readyScript } = need(row, settings).label;
    if (readyScript === null) return done('register');
    const environment = environmentPrefix(outside.builds.environment);
    for (const member of membersOf(row)) {
      const script = `${environment}./${shellQuote(readyScript)} ${shellQuote(member.hostname)}`;
      const result = await workOn(member, { files: [], command: `cd /opt/nodepool-scripts && ${script}` }, io);
      if (result.exitCode !== 0) throw scriptFailed(readyScript, member, result);
    }
    return done('register');
  },
};

type Machine = Member & {
  readonly hostname: string;
  readonly hostKey: string | null;
  readonly whose: Whose;
};

/** Subnodes by their ids, the primary last. */
function membersOf(row: NodeRow): readonly Machine[] {
  const machine = (
    role: Member['role'],
    whose: Whose,
    {
      ip,
      ipPrivate,
      serverId,
      hostname,
      hostKey,
    }: Pick<NodeRow, 'ip' | 'ipPrivate' | 'serverId' | 'hostname' | 'hostKey'>,
  ): Machine => {
    if (ip === null) throw new Error(`node ${row.id} has a machine without an address`);
    return { role, whose, ip, ipPrivate, serverId, hostname: hostname ?? '', hostKey };
  };
  const subnodes = row.subnodes.map(subnode => machine('sub', { node: row.id, subnode: subnode.id }, subnode));
  return [...subnodes, machine('primary', { node: row.id }, row)];
}

function placeOf({ row, settings }: StepIo): Place {
  const { provider } = need(row, settings);
  return { provider: provider.name, cloud: provider.credentials.cloud, region: provider.regionName, az: row.az };
}

function workOn(member: Machine, job: Pick<ShellJob, 'files' | 'command'>, io: StepIo): Promise<ShellResult> {
  const { row, settings, task } = io;
  const { image } = need(row, settings);
  const { checkSsh, script } = settings.timings;
  const call = { loginDeadlineMs: checkSsh, deadlineMs: script, signal: task.signal };
  return io.shellFor(member.whose).work(loginOf(member, image), { ...job, directory: null, logFile: null }, call);
}

function scriptFailed(script: string, { hostname }: Machine, result: ShellResult): Fault {
  const { how, said } = scriptEnding(result);
  return new Fault('ssh.command', `${script} ${how} on ${hostname}${said}`);
}
