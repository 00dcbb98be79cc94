/** A call of the CI port as plain data, which crosses to a worker thread. */
import type { NodeName } from '../../domain/ids.js';
import type { JenkinsMaster } from '../../domain/pool-config.js';
import type { CiCall, CiNodeSpec, CiPort } from '../../ports/ci.js';
import { JenkinsClient } from './client.js';

export type CiQuestion =
  | { readonly method: 'status' }
  | { readonly method: 'listNodes' }
  | { readonly method: 'createNode'; readonly spec: CiNodeSpec }
  | { readonly method: 'deleteNode'; readonly name: NodeName }
  | { readonly method: 'nodeDescription'; readonly name: NodeName }
  | { readonly method: 'nodeExists'; readonly name: NodeName }
  | { readonly method: 'setOffline'; readonly name: NodeName; readonly reason: string }
  | { readonly method: 'relabel'; readonly name: NodeName; readonly labels: string }
  | { readonly method: 'startTestJob'; readonly job: string; readonly name: NodeName };

export type CiMethod = CiQuestion['method'];
export type CiResult<Method extends CiMethod> = Awaited<ReturnType<CiPort[Method]>>;

/** More masters than any installation has; one whose key was changed is among them until it is pushed out. */
const clientsMax = 64;

/** The clients of one worker thread: one for each master, with its connections and its crumb. */
export class JenkinsClients {
  readonly #clients = new Map<string, JenkinsClient>();

  ask(master: JenkinsMaster, question: CiQuestion, call: CiCall): Promise<unknown> {
    const client = this.#clientOf(master);
    switch (question.method) {
      case 'status':
        return client.status(call);
      case 'listNodes':
        return client.listNodes(call);
      case 'createNode':
        return client.createNode(question.spec, call);
      case 'deleteNode':
        return client.deleteNode(question.name, call);
      case 'nodeDescription':
        return client.nodeDescription(question.name, call);
      case 'nodeExists':
        return client.nodeExists(question.name, call);
      case 'setOffline':
        return client.setOffline(question.name, question.reason, call);
      case 'relabel':
        return client.relabel(question.name, question.labels, call);
      case 'startTestJob':
        return client.startTestJob(question.job, question.name, call);
    }
  }

  #clientOf(master: JenkinsMaster): JenkinsClient {
    const key = JSON.stringify(master);
    const client = this.#clients.get(key) ?? new JenkinsClient(master);
    this.#clients.delete(key);
    this.#clients.set(key, client);
    for (const [oldKey, old] of this.#clients) {
      if (this.#clients.size <= clientsMax) break;
      this.#clients.delete(oldKey);
      void old.close();
    }
    return client;
  }
}
