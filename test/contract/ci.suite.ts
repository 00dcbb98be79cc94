import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fault, type FaultKind } from '../../src/domain/fault.js';
import { nodeName, type NodeName } from '../../src/domain/ids.js';
import type { CiNodeSpec, CiPort } from '../../src/ports/ci.js';
import { until } from '../support/until.js';

export interface CiHarness {
  readonly ci: CiPort;
  /** What the master knows of the node, past the port. */
  slave(
    name: NodeName,
  ): { readonly host: string; readonly labels: readonly string[]; readonly offlineReason: string | null } | null;
  quietDown(): Promise<void>;
  /** The next call of the operation is done, and its answer lost. */
  loseAnswer(op: 'createNode' | 'deleteNode' | 'setOffline'): void;
  /** The next call of the operation is never answered. */
  hang(op: 'status' | 'listNodes'): void;
  /** How many status questions have reached the master. */
  statusCalls(): number;
  /** Test jobs that the master has taken. */
  testJobs(): readonly { readonly job: string; readonly name: string }[];
  /** The next call of the operation fails at the master. */
  failNext(op: 'nodeExists' | 'status'): void;
  down(): Promise<void>;
  end(): Promise<void>;
}

export const soon = { deadlineMs: 5000 };

export function spec(name: string, more: Partial<CiNodeSpec> = {}): CiNodeSpec {
  return {
    name: nodeName(name),
    description: 'Dynamic single use devstack node',
    labels: 'devstack',
    host: '192.0.2.1',
    sshPort: 22,
    remoteRoot: '/home/jenkins',
    username: 'jenkins',
    privateKeyFile: '/var/lib/jenkins/.ssh/id_rsa',
    hostKey: null,
    ...more,
  };
}

export async function faultOf(call: Promise<unknown>): Promise<FaultKind> {
  const error: unknown = await call.then(
    value => new Error(`no fault but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof Fault) return error.kind;
  throw error;
}

/** What every master behind the port promises. */
export function ciContract(subject: string, start: () => Promise<CiHarness>): void {
  describe(`a CI master: ${subject}`, () => {
    let master: CiHarness;
    let ci: CiPort;
    beforeAll(async () => {
      master = await start();
      ci = master.ci;
    });
    afterAll(() => master.end());

    it('has a node after its creation, with host and labels', async () => {
      const node = spec('created', { labels: 'one two' });
      await ci.createNode(node, soon);
      expect(master.slave(node.name)).toMatchObject({ host: node.host, labels: ['one', 'two'] });
      expect(await ci.nodeExists(node.name, soon)).toBe(true);
    });

    it('creates without a label', async () => {
      await ci.createNode(spec('without-label', { labels: null }), soon);
      expect(master.slave(nodeName('without-label'))?.labels).toEqual([]);
    });

    it('takes a second creation of the same node as done', async () => {
      await ci.createNode(spec('twice'), soon);
      await ci.createNode(spec('twice'), soon);
      expect(master.slave(nodeName('twice'))?.host).toBe('192.0.2.1');
    });

    it('replaces a node of the same name and another host', async () => {
      await ci.createNode(spec('stale', { host: '192.0.2.8' }), soon);
      await ci.createNode(spec('stale', { host: '192.0.2.9' }), soon);
      expect(master.slave(nodeName('stale'))?.host).toBe('192.0.2.9');
    });

    it('finds its own node when the answer to the creation was lost', async () => {
      master.loseAnswer('createNode');
      expect(await faultOf(ci.createNode(spec('lost-create'), soon))).toBe('jenkins.unreachable');
      await ci.createNode(spec('lost-create'), soon);
      expect(master.slave(nodeName('lost-create'))?.host).toBe('192.0.2.1');
    });

    it('has no node after its deletion, and deletes what is not there', async () => {
      await ci.createNode(spec('deleted'), soon);
      await ci.deleteNode(nodeName('deleted'), soon);
      expect(await ci.nodeExists(nodeName('deleted'), soon)).toBe(false);
      await ci.deleteNode(nodeName('deleted'), soon);
    });

    it('deletes again when the answer was lost', async () => {
      await ci.createNode(spec('lost-delete'), soon);
      master.loseAnswer('deleteNode');
      expect(await faultOf(ci.deleteNode(nodeName('lost-delete'), soon))).toBe('jenkins.unreachable');
      await ci.deleteNode(nodeName('lost-delete'), soon);
      expect(master.slave(nodeName('lost-delete'))).toBeNull();
    });

    it('tells the description of a node, and null where there is none', async () => {
      await ci.createNode({ ...spec('described'), description: 'Dynamic single use bare node (np-a1-b2)' }, soon);
      expect(await ci.nodeDescription(nodeName('described'), soon)).toBe('Dynamic single use bare node (np-a1-b2)');
      expect(await ci.nodeDescription(nodeName('nobody'), soon)).toBeNull();
    });

    it('lists its nodes, and not itself', async () => {
      await ci.createNode(spec('listed'), soon);
      const nodes = await ci.listNodes(soon);
      expect(nodes).toContainEqual(
        expect.objectContaining({ name: 'listed', temporarilyOffline: false, offlineReason: null, idle: true }),
      );
      expect(nodes.map(node => node.name)).not.toContain('master');
      expect(nodes.map(node => node.name)).not.toContain('Built-In Node');
    });

    it('sets a node offline, however often', async () => {
      await ci.createNode(spec('offline'), soon);
      expect(await ci.setOffline(nodeName('offline'), 'single use', soon)).toBe(true);
      master.loseAnswer('setOffline');
      await faultOf(ci.setOffline(nodeName('offline'), 'single use', soon));
      expect(await ci.setOffline(nodeName('offline'), 'single use', soon)).toBe(true);
      expect(master.slave(nodeName('offline'))?.offlineReason).toContain('single use');
      const listed = (await ci.listNodes(soon)).find(node => node.name === 'offline');
      expect(listed).toMatchObject({ offline: true, temporarilyOffline: true });
      expect(listed?.offlineReason).toContain('single use');
    });

    it('says false when there is no node to set offline', async () => {
      expect(await ci.setOffline(nodeName('nobody'), 'single use', soon)).toBe(false);
    });

    it('relabels a node, and leaves its host and whether it is offline as they were', async () => {
      await ci.createNode(spec('relabelled', { labels: null }), soon);
      await ci.setOffline(nodeName('relabelled'), 'its one job has started', soon);
      await ci.relabel(nodeName('relabelled'), 'devstack <&>', soon);
      expect(master.slave(nodeName('relabelled'))).toMatchObject({ host: '192.0.2.1', labels: ['devstack', '<&>'] });
      expect(master.slave(nodeName('relabelled'))?.offlineReason).toContain('its one job has started');
    });

    it('refuses to relabel a node that is not there', async () => {
      expect(await faultOf(ci.relabel(nodeName('nobody'), 'devstack', soon))).toBe('jenkins.refused');
    });

    it('starts a test job, however often it is asked', async () => {
      await ci.createNode(spec('tested', { labels: null }), soon);
      await ci.startTestJob('acceptance', nodeName('tested'), soon);
      await ci.startTestJob('acceptance', nodeName('tested'), soon);
      expect(master.testJobs()).toContainEqual({ job: 'acceptance', name: 'tested' });
      expect(master.testJobs()).toHaveLength(1);
    });

    it('does not take an error for the absence of a node', async () => {
      master.failNext('nodeExists');
      expect(await faultOf(ci.nodeExists(nodeName('created'), soon))).toBe('jenkins.error');
    });

    it('gives up at the deadline', async () => {
      master.hang('listNodes');
      expect(await faultOf(ci.listNodes({ deadlineMs: 100 }))).toBe('jenkins.timeout');
    });

    it('gives up when its caller does', async () => {
      const asked = master.statusCalls();
      master.hang('status');
      const aborter = new AbortController();
      const call = faultOf(ci.status({ deadlineMs: 5000, signal: aborter.signal }));
      await until(() => master.statusCalls() > asked);
      aborter.abort();
      expect(await call).toBe('jenkins.timeout');
      expect(await faultOf(ci.status({ deadlineMs: 5000, signal: aborter.signal }))).toBe('jenkins.timeout');
    });

    it('says its version and session, and whether it is quieting down', async () => {
      const before = await ci.status(soon);
      expect(before.quietingDown).toBe(false);
      expect(before.version).toMatch(/^\d+\.\d+/);
      expect(before.session).not.toBeNull();
      await master.quietDown();
      expect(await ci.status(soon)).toEqual({ ...before, quietingDown: true });
    });

    it('is unreachable when it is away, and when it was closed', async () => {
      await master.down();
      expect(await faultOf(ci.status(soon))).toBe('jenkins.unreachable');
      expect(await faultOf(ci.nodeExists(nodeName('created'), soon))).toBe('jenkins.unreachable');
      await ci.close();
      expect(await faultOf(ci.status(soon))).toBe('jenkins.unreachable');
    });
  });
}
