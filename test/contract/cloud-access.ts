import type { CloudAccess } from '../../src/adapters/openstack/cloud.js';
import { noCredentials } from '../../src/domain/pool-config.js';

export interface Login {
  readonly authUrl: string;
  readonly username: string;
  readonly password: string;
  readonly projectName: string;
  readonly region?: string;
}

export function accessTo(login: Login, more: Partial<CloudAccess> = {}): CloudAccess {
  const { authUrl, username, password, projectName } = login;
  return {
    name: 'alpha',
    credentials: { ...noCredentials, authUrl, username, password, projectName },
    regionName: login.region ?? null,
    serviceType: 'compute',
    serviceName: null,
    ...more,
  };
}
