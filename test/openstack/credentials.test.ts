/** Forms of credentials that the simulated Keystone takes as this one does. */
import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { idText, jsonObject, text, type Json } from '../../src/adapters/openstack/decode.js';
import { openCloud } from '../../src/adapters/openstack/cloud.js';
import { loginV3 } from '../../src/adapters/openstack/login.js';
import type { Credentials } from '../../src/domain/pool-config.js';
import { rejectsWith } from '../contract/cloud.suite.js';
import { call, findRealCloud } from './real-cloud.js';

const real = await findRealCloud();
const { credentials } = real.provider;
const authUrl = (credentials.authUrl ?? '').replace(/\/+$/, '');
const isV3 = authUrl.endsWith('/v3') && credentials.applicationCredential === null;

/** Keystone v2.0 has no application credentials, and one of them may not make another. */
describe.runIf(isV3)('Keystone, a real one', () => {
  let token: Json;
  let tokenId: string;
  let userId: string;
  let made: Json;

  const ask = async (method: string, path: string, body?: unknown): Promise<{ answer: Json; token: string }> => {
    const response = await fetch(`${authUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-auth-token': tokenId },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    const words = await response.text();
    return {
      answer: words === '' ? {} : (JSON.parse(words) as Json),
      token: response.headers.get('x-subject-token') ?? '',
    };
  };
  const flavorsWith = async (other: Partial<Credentials>): Promise<number> => {
    const cloud = openCloud({ ...real.provider, credentials: { ...credentials, ...other } });
    return (await cloud.listFlavors(call).finally(() => cloud.close())).length;
  };

  beforeAll(async () => {
    tokenId = '';
    const issued = await ask('POST', '/auth/tokens', loginV3(credentials));
    tokenId = issued.token;
    token = jsonObject(issued.answer['token'], 'token');
    userId = idText(jsonObject(token['user'], 'user')['id'], 'user.id');
    const order = { name: `nodepool-contract-${randomUUID()}` };
    const path = `/users/${userId}/application_credentials`;
    const { answer } = await ask('POST', path, { application_credential: order });
    made = jsonObject(answer['application_credential'], 'application_credential');
  });

  afterAll(async () => {
    await ask('DELETE', `/users/${userId}/application_credentials/${idText(made['id'], 'id')}`);
  });

  it('lets in by ids of user, project and domains', async () => {
    const projectId = idText(jsonObject(token['project'], 'project')['id'], 'project.id');
    const domain = jsonObject(jsonObject(token['user'], 'user')['domain'], 'domain');
    expect(await flavorsWith({ userId, projectId })).toBeGreaterThan(0);
    expect(await flavorsWith({ userDomain: { id: idText(domain['id'], 'id') } })).toBeGreaterThan(0);
    expect(await flavorsWith({ userDomain: { name: text(domain['name'], 'name') } })).toBeGreaterThan(0);
  });

  it('lets in by an application credential, by its id and by its name', async () => {
    const secret = text(made['secret'], 'secret');
    const byId = { credential: { id: idText(made['id'], 'id') }, secret };
    expect(await flavorsWith({ applicationCredential: byId, username: null, password: null })).toBeGreaterThan(0);
    const byName = { credential: { name: text(made['name'], 'name') }, secret };
    expect(await flavorsWith({ applicationCredential: byName, password: null })).toBeGreaterThan(0);
  });

  it('lets in with neither another secret nor another password', async () => {
    const wrong = { credential: { id: idText(made['id'], 'id') }, secret: 'wrong' };
    await rejectsWith(flavorsWith({ applicationCredential: wrong }), 'cloud.auth');
    await rejectsWith(flavorsWith({ password: 'wrong' }), 'cloud.auth');
  });
});
