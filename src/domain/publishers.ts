/**
 * The publishers that may be the one of a master. Nothing in the configuration ties them together, but the plugin
 * publishes on the master's own host; where no host is the same, through a proxy or an alias, any of them may be it.
 */
export function publishersOf(masterUrl: string, endpoints: readonly string[]): readonly string[] {
  const host = hostOf(masterUrl);
  const own = endpoints.filter(endpoint => host !== null && hostOf(endpoint) === host);
  return own.length > 0 ? own : endpoints;
}

/** Of `https://HOST:PORT/…` and of `tcp://HOST:PORT`. */
function hostOf(url: string): string | null {
  const host = /^[a-z]+:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/]+)/i.exec(url)?.[1];
  return host === undefined ? null : host.toLowerCase();
}
