/** Which of a server's addresses to log in to (reference 14.6). */

/** As `ports/cloud` has it. */
export interface CandidateAddress {
  readonly network: string;
  readonly version: 4 | 6;
  readonly address: string;
  readonly kind: 'fixed' | 'floating' | null;
}

export interface AddressChoice {
  /** Prefer a public IPv6 address, and fall back to IPv4. */
  readonly ipv6Preferred: boolean;
  /** The provider's networks; one that is marked public is, whatever its addresses look like. */
  readonly networks: readonly { readonly name: string | null; readonly isPublic: boolean }[];
}

export interface PickedAddress {
  readonly ip: string;
  /** Where members of a group reach it; null where the cloud gives no second address. */
  readonly ipPrivate: string | null;
}

/** Null: the server has no address that can be reached from outside. */
export function pickAddress(addresses: readonly CandidateAddress[], choice: AddressChoice): PickedAddress | null {
  const publicNames = new Set(choice.networks.flatMap(n => (n.isPublic && n.name !== null ? [n.name] : [])));
  publicNames.add('public');
  const candidates = [...addresses].filter(a => a.address !== '');
  const ipv4 = candidates.filter(a => a.version === 4);
  const picked =
    (choice.ipv6Preferred
      ? reachable(
          candidates.filter(a => a.version === 6),
          publicNames,
        )
      : undefined) ?? reachable(ipv4, publicNames);
  if (picked === undefined) return null;
  const others = ipv4.filter(a => a.address !== picked.address && !publicNames.has(a.network));
  return { ip: picked.address, ipPrivate: innerAddress(others) };
}

/** All of them by their family, for the log: which of them was picked is on the row. */
export function addressesText(addresses: readonly CandidateAddress[]): string {
  const those = (version: 4 | 6): string => {
    const found = addresses.filter(each => each.version === version && each.address !== '');
    return found.map(({ address }) => address).join(' ') || 'none';
  };
  return `IPv4 ${those(4)}, IPv6 ${those(6)}`;
}

/** Where other machines of the cloud reach it. */
export function innerAddress(addresses: readonly CandidateAddress[]): string | null {
  const inner = addresses.find(a => a.version === 4 && a.kind !== 'floating' && a.address !== '');
  return inner?.address ?? null;
}

/** A floating address beats a fixed one, and a network that is said to be public beats one that merely looks so. */
function reachable(
  addresses: readonly CandidateAddress[],
  publicNames: ReadonlySet<string>,
): CandidateAddress | undefined {
  return (
    addresses.find(a => a.kind === 'floating') ??
    addresses.find(a => publicNames.has(a.network)) ??
    // Some clouds call their public network "private".
    addresses.find(a => !isPrivateAddress(a.address))
  );
}

/** 10/8, 172.16/12, 192.168/16; fc00::/7, fe80::/10. A loopback address is none: simulated machines have those. */
export function isPrivateAddress(address: string): boolean {
  return privateRanges.some(range => range.test(address));
}

const privateRanges = [
  /^10\./,
  /^172\.(1[6-9]|2[0-9]|3[01])\./,
  /^192\.168\./,
  /^f[cd][0-9a-f]{2}:/i,
  /^fe[89ab][0-9a-f]:/i,
];
