/** The files that tell a machine what it is and who belongs to it: `/etc/nodepool` (reference 10.1). */
import { shellQuote } from './quote.js';

export interface Member {
  readonly role: 'primary' | 'sub';
  readonly ip: string;
  /** Null: it has none, and is reached by the other one. */
  readonly ipPrivate: string | null;
  readonly serverId: string | null;
}

/** Where the group is; what is not known is empty. */
export interface Place {
  readonly provider: string;
  readonly cloud: string | null;
  readonly region: string | null;
  readonly az: string | null;
}

/** By which the members of a group reach each other. */
export interface GroupKey {
  readonly privateKey: string;
  /** `TYPE BASE64`. */
  readonly publicKey: string;
}

export interface NodeFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** Under these names whatever the type of the key is: that is where jobs look for it. */
const keyName = 'id_rsa';

/**
 * What is written on one member. `group` has all of them, subnodes in the order of their ids; a single node is a group of
 * one, and has no key (null), since there is nobody to reach.
 */
export function nodeFiles(
  member: Member,
  group: readonly Member[],
  place: Place,
  key: GroupKey | null,
): readonly NodeFile[] {
  const primary = group.filter(({ role }) => role === 'primary');
  const subnodes = group.filter(({ role }) => role === 'sub');
  const lines = (members: readonly Member[], address: (of: Member) => string): string =>
    members.map(each => `${address(each)}\n`).join('');
  const texts: Readonly<Record<string, string>> = {
    role: `${member.role}\n`,
    node: lines([member], publicOf),
    node_private: lines([member], privateOf),
    primary_node: lines(primary, publicOf),
    primary_node_private: lines(primary, privateOf),
    sub_nodes: lines(subnodes, publicOf),
    sub_nodes_private: lines(subnodes, privateOf),
    provider: providerFile(place),
    uuid: `${member.serverId ?? ''}\n`,
  };
  const file = (name: string, content: string, mode = 0o644): NodeFile => ({
    path: `/etc/nodepool/${name}`,
    content,
    mode,
  });
  const files = Object.entries(texts).map(([name, content]) => file(name, content));
  if (key === null) return files;
  const publicKey = file(`${keyName}.pub`, `${key.publicKey.trimEnd()}\n`);
  return [...files, publicKey, file(keyName, `${key.privateKey.trimEnd()}\n`, 0o600)];
}

const publicOf = ({ ip }: Member): string => ip;
const privateOf = ({ ip, ipPrivate }: Member): string => ipPrivate ?? ip;

/** Assignments for a shell to read; quoted only where they must be, since others read them too. */
function providerFile({ provider, cloud, region, az }: Place): string {
  const variables = { PROVIDER: provider, CLOUD: cloud, REGION: region, AZ: az };
  return Object.entries(variables)
    .map(([name, value]) => `NODEPOOL_${name}=${isPlain(value ?? '') ? (value ?? '') : shellQuote(value ?? '')}\n`)
    .join('');
}

function isPlain(value: string): boolean {
  return /^[\w.:@%+/-]*$/.test(value);
}
