import { createHash } from 'node:crypto';
import { json, Refusal, type Reply, type SimRequest } from '../http/reply.js';
import type { Call } from '../http/site.js';
import { computerBean, computerSetBean, rootBean } from './beans.js';
import type { Computer, JenkinsNode } from './computer.js';
import type { Computers } from './computers.js';
import { readConfig, writeConfig } from './config-xml.js';
import { bindNode } from './create-form.js';
import { type Bean, parseTree, pick, type Selection, TreeSyntaxError } from './exported.js';
import { crash, failure, notFound, page, postOnly, redirect } from './pages.js';
import type { RestQueue } from './rest-queue.js';
import type { Profile } from './settings.js';

interface ApiParts {
  readonly profile: Profile;
  readonly account: { readonly user: string; readonly apikey: string };
  readonly credentialsId: string;
  readonly needsCrumb: boolean;
  readonly jobs: readonly string[];
  readonly computers: Computers;
  readonly restQueue: RestQueue;
  readonly rootUrl: () => string;
  readonly session: () => string;
  readonly quieting: { isQuietingDown: boolean };
  readonly isStarting: () => boolean;
  /** Called when quieting down has ended. */
  readonly maintain: () => void;
}

const versions = { old: '1.565.3', new: '2.568.2' } as const;
const crumbFields = { old: '.crumb', new: 'Jenkins-Crumb' } as const;

/** A master's HTTP interface: which path means what, in the generation of the profile. */
export class JenkinsApi {
  readonly #parts: ApiParts;
  readonly #crumb: string;

  constructor(parts: ApiParts) {
    this.#parts = parts;
    const hash = createHash(parts.profile === 'old' ? 'md5' : 'sha256');
    this.#crumb = hash.update(`${parts.account.user};127.0.0.1`).digest('hex');
  }

  callFor(request: SimRequest): Call {
    const { operation, run } = this.#route(request);
    return {
      operation,
      run: () => {
        if (this.#parts.isStarting()) return page(503, 'Please wait while Jenkins is getting ready to work');
        this.#authenticate(request);
        this.#checkCrumb(request);
        return run();
      },
    };
  }

  #route(request: SimRequest): Call {
    const path = request.path.replace(/^\/+/, '').replace(/\/$/, '');
    const fields = fieldsOf(request);
    const post = (operation: string, run: () => Reply): Call => ({ operation, run: () => onlyPost(request, run) });
    switch (path) {
      case 'api/json':
        return { operation: 'status', run: () => this.#export(request, this.#root(), 1) };
      case 'crumbIssuer/api/json':
        return { operation: 'crumb', run: () => this.#issueCrumb() };
      case 'computer/api/json':
        return { operation: 'listNodes', run: () => this.#export(request, this.#computerSet(), 1) };
      case 'computer/doCreateItem':
        return { operation: 'createNode', run: () => this.#create(request, fields) };
      case 'quietDown':
        return post('quietDown', () => this.#quiet(true));
      case 'cancelQuietDown':
        return post('cancelQuietDown', () => this.#quiet(false));
      default:
        return this.#deeperRoute({ request, path, fields, post });
    }
  }

  #deeperRoute(parts: {
    request: SimRequest;
    path: string;
    fields: URLSearchParams;
    post: (operation: string, run: () => Reply) => Call;
  }): Call {
    const { request, path, fields, post } = parts;
    const item = /^queue\/item\/(\d+)\/api\/json$/.exec(path)?.[1];
    if (item !== undefined) return { operation: 'getItem', run: () => this.#parts.restQueue.item(Number(item)) };
    const job = /^job\/([^/]+)\/buildWithParameters$/.exec(path)?.[1];
    if (job !== undefined)
      return { operation: 'build', run: () => this.#build(request, decodeURIComponent(job), fields) };
    const [, encoded = '', action = ''] = /^computer\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const name = decodeURIComponent(encoded);
    const reason = fields.get('offlineMessage') ?? '';
    const isMaster = name === '(master)' || (name === '(built-in)' && this.#parts.profile === 'new');
    switch (isMaster ? `master ${action}` : action) {
      case 'api/json':
        return { operation: 'getNode', run: () => this.#export(request, this.#bean(this.#computer(name)), 0) };
      case 'config.xml':
        return { operation: configOperation(request), run: () => this.#config(request, name) };
      case 'doDelete':
        return post('deleteNode', () => this.#delete(name));
      case 'toggleOffline':
        return post('toggleOffline', () => this.#toggle(this.#computer(name), reason));
      case 'changeOfflineCause':
        return post('setOffline', () => this.#setOffline(this.#computer(name), reason));
      case 'master doDelete':
        return post('deleteNode', () => failure('The master cannot be deleted').reply);
      default:
        return { operation: 'unknown', run: () => notFound().reply };
    }
  }

  #authenticate(request: SimRequest): void {
    const { user, apikey } = this.#parts.account;
    const given = request.headers['authorization'];
    if (given === undefined) throw new Refusal(page(403, 'Authentication required'));
    const expected = Buffer.from(`${user}:${apikey}`).toString('base64');
    if (given === `Basic ${expected}`) return;
    throw new Refusal(page(401, 'Invalid password/token', { 'www-authenticate': 'Basic realm="Jenkins"' }));
  }

  /** New masters exempt API tokens, and tokens are all that anybody has here. */
  #checkCrumb(request: SimRequest): void {
    const { profile, needsCrumb } = this.#parts;
    if (profile === 'new' || !needsCrumb || request.method !== 'POST') return;
    const given = request.headers[crumbFields.old] ?? fieldsOf(request).get(crumbFields.old);
    if (given !== this.#crumb) throw new Refusal(page(403, 'No valid crumb was included in the request'));
  }

  #issueCrumb(): Reply {
    const { profile, needsCrumb } = this.#parts;
    if (profile === 'old' && !needsCrumb) throw notFound();
    const answer = { crumb: this.#crumb, crumbRequestField: crumbFields[profile] };
    return json(200, profile === 'new' ? { _class: 'hudson.security.csrf.DefaultCrumbIssuer', ...answer } : answer);
  }

  /** `depthShown` is how many objects deep this page goes without being asked. */
  #export(request: SimRequest, bean: Bean, depthShown: number): Reply {
    const tree = request.query.get('tree');
    const depth = Number(request.query.get('depth') ?? 0);
    const selection = tree === null ? { kind: 'depth' as const, levels: depthShown + depth } : treeOf(tree);
    const picked = pick(bean, selection, { withClass: this.#parts.profile === 'new' });
    const { profile, session } = this.#parts;
    return json(200, picked, {
      'content-type': 'application/json;charset=utf-8',
      'x-jenkins': versions[profile],
      'x-jenkins-session': session(),
    });
  }

  #root(): Bean {
    const { jobs, quieting } = this.#parts;
    return rootBean({ ...this.#context(), jobs, isQuietingDown: quieting.isQuietingDown });
  }

  #computerSet(): Bean {
    return computerSetBean(this.#parts.computers.all(), this.#context());
  }

  #bean(computer: Computer): Bean {
    return computerBean(computer, this.#context());
  }

  #context(): { profile: Profile; rootUrl: string } {
    return { profile: this.#parts.profile, rootUrl: this.#parts.rootUrl() };
  }

  /** A wrong verb is invisible to a new master: the request ends as 404 there, and an old one takes GET too. */
  #create(request: SimRequest, fields: URLSearchParams): Reply {
    const { profile, computers, credentialsId } = this.#parts;
    if (request.method !== 'POST' && profile === 'new') throw notFound();
    computers.create(bindNode(fields, { profile, credentialsId, isTaken: name => computers.node(name) !== null }));
    return redirect(`${this.#parts.rootUrl()}computer/`);
  }

  #delete(name: string): Reply {
    this.#parts.computers.delete(this.#computer(name));
    return redirect(`${this.#parts.rootUrl()}computer/`);
  }

  #config(request: SimRequest, name: string): Reply {
    const { profile, computers } = this.#parts;
    const computer = this.#computer(name);
    const node = this.#nodeOf(computer);
    if (request.method === 'GET') {
      const body = writeConfig(computer, node, profile);
      return { status: 200, headers: { 'content-type': 'application/xml' }, body };
    }
    if (request.method !== 'POST') throw failure('Only GET and POST');
    const posted = readConfig(request.body, node);
    // Newer masters keep the flag in the node, so that the posted configuration decides it too.
    if (profile === 'new') computer.offlineReason = posted.offlineReason;
    computers.replace(computer, posted.node);
    return { status: 200, body: '' };
  }

  #toggle(computer: Computer, reason: string): Reply {
    this.#nodeOf(computer);
    this.#parts.computers.setOffline(computer, computer.offlineReason === null ? reason : null);
    return redirect(`${this.#parts.rootUrl()}computer/${encodeURIComponent(computer.name)}/`);
  }

  #setOffline(computer: Computer, reason: string): Reply {
    if (computer.node === null && this.#parts.profile === 'new') throw crash('java.lang.NullPointerException');
    this.#parts.computers.setOffline(computer, reason);
    return redirect(`${this.#parts.rootUrl()}computer/${encodeURIComponent(computer.name)}/`);
  }

  #build(request: SimRequest, job: string, fields: URLSearchParams): Reply {
    const { profile, jobs, restQueue } = this.#parts;
    if (request.method !== 'POST' && profile === 'new') throw postOnly();
    if (!jobs.includes(job)) throw notFound();
    return restQueue.add(job, fields);
  }

  #quiet(isQuietingDown: boolean): Reply {
    this.#parts.quieting.isQuietingDown = isQuietingDown;
    if (!isQuietingDown) this.#parts.maintain();
    return redirect(this.#parts.rootUrl());
  }

  #computer(name: string): Computer {
    const computer = this.#parts.computers.get(name);
    if (!computer) throw notFound();
    return computer;
  }

  /** A computer may have outlived its node. */
  #nodeOf(computer: Computer): JenkinsNode {
    if (!computer.node) throw notFound();
    return computer.node;
  }
}

function onlyPost(request: SimRequest, run: () => Reply): Reply {
  if (request.method !== 'POST') throw postOnly();
  return run();
}

function configOperation(request: SimRequest): string {
  return request.method === 'GET' ? 'getConfig' : 'setConfig';
}

/** The servlet container merges the query and a form in the body. */
function fieldsOf(request: SimRequest): URLSearchParams {
  const isForm = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  return new URLSearchParams([...request.query, ...new URLSearchParams(isForm ? request.body : '')]);
}

function treeOf(text: string): Selection {
  try {
    return parseTree(text);
  } catch (error) {
    if (error instanceof TreeSyntaxError) throw crash(error.message);
    throw error;
  }
}
