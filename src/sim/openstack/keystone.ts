import { randomUUID } from 'node:crypto';
import { json, Refusal, type Reply, type SimRequest } from '../http/reply.js';
import { unauthorized } from './errors.js';

export interface Account {
  readonly username: string;
  readonly userId: string;
  readonly password: string;
  readonly projectName: string;
  readonly projectId: string;
  /** Of the user, and of the project. */
  readonly domain: { readonly id: string; readonly name: string };
  readonly applicationCredential: { readonly id: string; readonly name: string; readonly secret: string };
}

/** One entry of the catalogue, in the terms of both generations. */
export interface Service {
  readonly type: string;
  readonly name: string;
  /** Version 3 of Keystone. */
  readonly url: string;
  /** The address that the catalogue of 2014 gives, which has the project in it where the service wants it so. */
  readonly url2014: string;
}

/** Tokens, and who gets one. */
export class Keystone {
  tokensIssued = 0;
  readonly #account: Account;
  readonly #region: string;
  readonly #services: () => readonly Service[];
  readonly #tokenLifeMs: () => number;
  readonly #expiry = new Map<string, number>();

  constructor(parts: {
    account: Account;
    region: string;
    services: () => readonly Service[];
    tokenLifeMs: () => number;
  }) {
    this.#account = parts.account;
    this.#region = parts.region;
    this.#services = parts.services;
    this.#tokenLifeMs = parts.tokenLifeMs;
  }

  /** `POST /v3/auth/tokens`. */
  issueV3(request: SimRequest): Reply {
    const { auth } = parseBody(request) as { auth?: V3Auth };
    const methods = auth?.identity?.methods ?? [];
    if (methods.includes('application_credential')) this.#checkApplication(auth?.identity?.application_credential);
    else if (methods.includes('password')) this.#checkV3(auth);
    else throw unauthorized();
    const { token, issuedAt, expiresAt } = this.#issue();
    const { domain } = this.#account;
    const body = {
      token: {
        methods,
        user: { domain, id: this.#account.userId, name: this.#account.username, password_expires_at: null },
        audit_ids: [randomUUID()],
        expires_at: expiresAt,
        issued_at: issuedAt,
        project: { domain, id: this.#account.projectId, name: this.#account.projectName },
        is_domain: false,
        roles: [{ id: 'role-id', name: 'member' }],
        catalog: this.#services().map(service => this.#v3Entry(service)),
      },
    };
    return json(201, body, { 'x-subject-token': token, vary: 'X-Auth-Token' });
  }

  /** `POST /v2.0/tokens`: what clouds answered in 2014. */
  issueV2(request: SimRequest): Reply {
    const { auth } = parseBody(request) as { auth?: V2Auth };
    const { username, password } = auth?.passwordCredentials ?? {};
    const { userId } = auth?.passwordCredentials ?? {};
    const account = this.#account;
    const isUser = userId === account.userId || username === account.username;
    const isTenant = auth?.tenantName === account.projectName || auth?.tenantId === account.projectId;
    if (!isUser || !isTenant || password !== account.password) throw unauthorized();
    const { token, issuedAt, expiresAt } = this.#issue();
    const tenant = { id: this.#account.projectId, name: this.#account.projectName, enabled: true, description: '' };
    return json(200, {
      access: {
        token: { id: token, issued_at: issuedAt, expires: expiresAt, tenant },
        serviceCatalog: this.#services().map(({ type, name, url2014 }) => ({
          type,
          name,
          endpoints_links: [],
          endpoints: [{ region: this.#region, publicURL: url2014, internalURL: url2014, adminURL: url2014, id: type }],
        })),
        user: {
          id: this.#account.userId,
          name: this.#account.username,
          username: this.#account.username,
          roles: [],
          roles_links: [],
        },
        metadata: { is_admin: 0, roles: [] },
      },
    });
  }

  /** What stands before every other service. */
  require(request: SimRequest): void {
    const expiry = this.#expiry.get(request.headers['x-auth-token'] ?? '');
    if (expiry === undefined || expiry <= Date.now()) throw unauthorized();
  }

  /** Makes every token so far worthless, as a Keystone that lost its keys. */
  revokeAll(): void {
    this.#expiry.clear();
  }

  /** Names are names within a domain, and stand for nothing without it. */
  #checkV3(auth: V3Auth | undefined): void {
    const project = auth?.scope?.project;
    const { projectId, projectName, password } = this.#account;
    const isProject = project?.id === projectId || (project?.name === projectName && this.#isDomain(project.domain));
    const user = auth?.identity?.password?.user;
    if (!this.#isUser(user) || user?.password !== password || !isProject) throw unauthorized();
  }

  #checkApplication(given: NonNullable<V3Auth['identity']>['application_credential']): void {
    const { id, name, secret } = this.#account.applicationCredential;
    const isIt = given?.id === id || (given?.name === name && this.#isUser(given.user));
    if (!isIt || given?.secret !== secret) throw unauthorized();
  }

  #isUser(user: V3User | undefined): boolean {
    const { userId, username } = this.#account;
    return user?.id === userId || (user?.name === username && this.#isDomain(user.domain));
  }

  #isDomain(given: V3Domain | undefined): boolean {
    const { id, name } = this.#account.domain;
    return given?.id === id || given?.name === name;
  }

  #issue(): { token: string; issuedAt: string; expiresAt: string } {
    const now = Date.now();
    for (const [token, expiry] of this.#expiry) if (expiry <= now) this.#expiry.delete(token);
    const token = `gAAAAA${randomUUID()}`;
    const expiry = now + this.#tokenLifeMs();
    this.#expiry.set(token, expiry);
    this.tokensIssued++;
    return { token, issuedAt: new Date(now).toISOString(), expiresAt: new Date(expiry).toISOString() };
  }

  #v3Entry({ type, name, url }: Service): unknown {
    const endpoints = ['admin', 'internal', 'public'].map(face => ({
      id: `${type}-${face}`,
      interface: face,
      region: this.#region,
      region_id: this.#region,
      url,
    }));
    return { id: type, type, name, endpoints };
  }
}

interface V3Domain {
  readonly id?: string;
  readonly name?: string;
}

interface V3User {
  readonly id?: string;
  readonly name?: string;
  readonly domain?: V3Domain;
  readonly password?: string;
}

interface V3Auth {
  readonly identity?: {
    readonly methods?: readonly string[];
    readonly password?: { readonly user?: V3User };
    readonly application_credential?: {
      readonly id?: string;
      readonly name?: string;
      readonly secret?: string;
      readonly user?: V3User;
    };
  };
  readonly scope?: { readonly project?: { readonly id?: string; readonly name?: string; readonly domain?: V3Domain } };
}

interface V2Auth {
  readonly tenantName?: string;
  readonly tenantId?: string;
  readonly passwordCredentials?: { readonly username?: string; readonly userId?: string; readonly password?: string };
}

function parseBody(request: SimRequest): object {
  try {
    const body: unknown = JSON.parse(request.body);
    if (typeof body === 'object' && body !== null) return body;
  } catch {
    // Answered below, like every other body that is not an object.
  }
  throw new Refusal(json(400, { error: { code: 400, message: 'Expecting a JSON object', title: 'Bad Request' } }));
}
