import { Fault } from '../../domain/fault.js';
import type { Credentials, IdOrName } from '../../domain/pool-config.js';
import type { Json } from './decode.js';

/** What is asked of `POST /v3/auth/tokens`: a token for a project, or for the one that an application credential has. */
export function loginV3(credentials: Credentials): Json {
  const { applicationCredential } = credentials;
  if (applicationCredential !== null) {
    const { credential, secret } = applicationCredential;
    // By its name it is one of this user's; by its id it needs nobody.
    const owner = 'name' in credential ? { user: userV3(credentials) } : {};
    const application_credential = { ...credential, ...owner, secret };
    return { auth: { identity: { methods: ['application_credential'], application_credential } } };
  }
  const user = { ...userV3(credentials), password: credentials.password };
  const scope = projectV3(credentials);
  return {
    auth: {
      identity: { methods: ['password'], password: { user } },
      ...(scope === null ? {} : { scope: { project: scope } }),
    },
  };
}

/** What is asked of `POST /v2.0/tokens`. */
export function loginV2(credentials: Credentials): Json {
  const { username, userId, password, projectName, projectId } = credentials;
  if (credentials.applicationCredential !== null) {
    throw new Fault(
      'cloud.no-credentials',
      'Keystone v2.0 has no application credentials: auth-url must be that of v3',
    );
  }
  const user = userId === null ? { username } : { userId };
  const tenant = projectId !== null ? { tenantId: projectId } : projectName !== null ? { tenantName: projectName } : {};
  return { auth: { passwordCredentials: { ...user, password }, ...tenant } };
}

function userV3({ userId, username, userDomain }: Credentials): Json {
  return userId === null ? { name: username, domain: domainOf(userDomain) } : { id: userId };
}

/** Null: the user's own project, if Keystone knows one. */
function projectV3({ projectId, projectName, projectDomain }: Credentials): Json | null {
  if (projectId !== null) return { id: projectId };
  return projectName === null ? null : { name: projectName, domain: domainOf(projectDomain) };
}

const domainOf = (domain: IdOrName): Json => ({ ...domain });
