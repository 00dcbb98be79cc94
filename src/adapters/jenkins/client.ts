import assert from 'node:assert/strict';
import type { NodeName } from '../../domain/ids.js';
import type { JenkinsMaster, Target } from '../../domain/pool-config.js';
import type { CiCall, CiNode, CiNodeSpec, CiPort, CiStatus } from '../../ports/ci.js';
import {
  assertDone,
  faultOf,
  isDone,
  parseDescription,
  parseHost,
  parseJson,
  parseNodes,
  parseStatus,
  withLabels,
  type Answer,
} from './answer.js';
import { withDeadline } from './deadline.js';
import { nodeForm } from './node-form.js';
import { JenkinsTransport } from './transport.js';

/** Made only for a target with a Jenkins section. */
export function openJenkins(target: Target): CiPort {
  assert(target.jenkins !== null, `target ${target.name} has no Jenkins`);
  return new JenkinsClient(target.jenkins);
}

/** One master over HTTP. Made of plain data and taking plain data, so that it can live in a worker thread. */
export class JenkinsClient implements CiPort {
  readonly #transport: JenkinsTransport;
  readonly #credentialsId: string | null;

  constructor(master: JenkinsMaster) {
    this.#transport = new JenkinsTransport(master);
    this.#credentialsId = master.credentialsId;
  }

  status(call: CiCall): Promise<CiStatus> {
    return this.#inTime(call, async signal => parseStatus(await this.#get(`api/json?${tree('quietingDown')}`, signal)));
  }

  createNode(spec: CiNodeSpec, call: CiCall): Promise<void> {
    return this.#inTime(call, async signal => {
      const answer = await this.#create(spec, signal);
      if (isDone(answer)) return;
      // 400 is a name that is taken or illegal: taken by an earlier try of ours whose answer was lost, or by another.
      if (answer.status !== 400) throw faultOf(answer);
      const config = await this.#get(`${pathOf(spec.name)}/config.xml`, signal);
      if (config.status === 404) throw faultOf(answer);
      if (parseHost(config) === spec.host) return;
      await this.#delete(spec.name, signal);
      assertDone(await this.#create(spec, signal));
    });
  }

  deleteNode(name: NodeName, call: CiCall): Promise<void> {
    return this.#inTime(call, signal => this.#delete(name, signal));
  }

  nodeExists(name: NodeName, call: CiCall): Promise<boolean> {
    return this.#inTime(call, async signal => {
      const answer = await this.#get(`${pathOf(name)}/api/json?${tree('displayName')}`, signal);
      if (answer.status === 404) return false;
      parseJson(answer);
      return true;
    });
  }

  listNodes(call: CiCall): Promise<readonly CiNode[]> {
    const fields = tree('computer[displayName,offline,temporarilyOffline,offlineCauseReason,idle]');
    return this.#inTime(call, async signal => parseNodes(await this.#get(`computer/api/json?${fields}`, signal)));
  }

  /** From its config.xml: the lists of a master of 2014 have no descriptions. */
  nodeDescription(name: NodeName, call: CiCall): Promise<string | null> {
    return this.#inTime(call, async signal => {
      const answer = await this.#get(`${pathOf(name)}/config.xml`, signal);
      return answer.status === 404 ? null : parseDescription(answer);
    });
  }

  /** `changeOfflineCause` sets, where `toggleOffline` would undo an earlier try. */
  setOffline(name: NodeName, reason: string, call: CiCall): Promise<boolean> {
    return this.#inTime(call, async signal => {
      const answer = await this.#post(`${pathOf(name)}/changeOfflineCause`, { offlineMessage: reason }, signal);
      if (isDone(answer)) return true;
      if (answer.status === 404) return false;
      // Newer masters answer 500 for a computer whose node is gone and whose build still dies (jenkins.md 1).
      if (answer.status === 500 && (await this.#isNodeGone(name, signal))) return false;
      throw faultOf(answer);
    });
  }

  /**
   * Reads, changes and writes without a pause: what is written replaces the node whole, its offline flag included
   * (jenkins.md 6).
   */
  relabel(name: NodeName, labels: string, call: CiCall): Promise<void> {
    return this.#inTime(call, async signal => {
      const path = `${pathOf(name)}/config.xml`;
      const xml = withLabels(await this.#get(path, signal), labels);
      const answer = await this.#transport.send({ method: 'POST', path, xml }, signal);
      if (answer.status !== 200) throw faultOf(answer);
    });
  }

  startTestJob(job: string, name: NodeName, call: CiCall): Promise<void> {
    return this.#inTime(call, async signal => {
      const path = job.split('/').map(part => `job/${encodeURIComponent(part)}`);
      // A bare 0 would be milliseconds to some masters and seconds to others.
      const form = { NODE: name, delay: '0sec' };
      const answer = await this.#post(`${path.join('/')}/buildWithParameters`, form, signal);
      // 303 where the same build waits already; older masters answer 201 then too (jenkins.md 8).
      if (answer.status !== 201 && answer.status !== 303) throw faultOf(answer);
    });
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #inTime<Result>(call: CiCall, run: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return withDeadline(this.#transport.host, call, run);
  }

  #create(spec: CiNodeSpec, signal: AbortSignal): Promise<Answer> {
    return this.#post('computer/doCreateItem', nodeForm(spec, this.#credentialsId), signal);
  }

  async #delete(name: NodeName, signal: AbortSignal): Promise<void> {
    const answer = await this.#post(`${pathOf(name)}/doDelete`, {}, signal);
    if (answer.status !== 404) assertDone(answer);
  }

  async #isNodeGone(name: NodeName, signal: AbortSignal): Promise<boolean> {
    return (await this.#get(`${pathOf(name)}/config.xml`, signal)).status === 404;
  }

  #get(path: string, signal: AbortSignal): Promise<Answer> {
    return this.#transport.send({ method: 'GET', path }, signal);
  }

  #post(path: string, form: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    return this.#transport.send({ method: 'POST', path, form }, signal);
  }
}

function pathOf(name: NodeName): string {
  return `computer/${encodeURIComponent(name)}`;
}

/** Exactly the fields wanted: without it a big master sends megabytes (jenkins.md 4). */
function tree(fields: string): string {
  return `tree=${encodeURIComponent(fields)}`;
}
