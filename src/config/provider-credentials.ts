import { noCredentials, type Credentials } from '../domain/pool-config.js';
import { domainNamed, isId, type Account } from './cloud-entry.js';
import type { ProviderKeys } from './keys.js';

/** What was found outside of the keys themselves. */
export interface ProviderSecrets {
  readonly password: string | null;
  /** PEM: the file of `cacert`. */
  readonly caCertificates: string | null;
  readonly account: Account | null;
}

/** Keys of the provider go before what its cloud says. */
export function credentialsOf(provider: ProviderKeys, secrets: ProviderSecrets): Credentials {
  const ofCloud = secrets.account?.credentials ?? noCredentials;
  const userDomain = provider['user-domain'];
  const projectDomain = provider['project-domain'];
  return {
    ...ofCloud,
    authUrl: provider['auth-url'] ?? ofCloud.authUrl,
    username: provider.username ?? ofCloud.username,
    userId: provider.username === null ? ofCloud.userId : null,
    userDomain: userDomain === null ? ofCloud.userDomain : domainNamed(userDomain),
    password: secrets.password ?? ofCloud.password,
    ...(projectOf(provider) ?? { projectName: ofCloud.projectName, projectId: ofCloud.projectId }),
    projectDomain: projectDomain === null ? ofCloud.projectDomain : domainNamed(projectDomain),
    caCertificates: secrets.caCertificates ?? ofCloud.caCertificates,
  };
}

/** In 2014 `project-id` was the name of a tenant; what looks like an id of Keystone was never the name of one. */
function projectOf(provider: ProviderKeys): Pick<Credentials, 'projectName' | 'projectId'> | null {
  const given = provider['project-id'];
  const name = provider['project-name'];
  if (given === null && name === null) return null;
  const id = given !== null && isId(given) ? given : null;
  return { projectName: name ?? (id === null ? given : null), projectId: id };
}
