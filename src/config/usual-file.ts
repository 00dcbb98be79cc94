/** Alone, so that its readers need not load what reads it. */
export const CONFIG_FILE = '/etc/nodepool/nodepool.yaml';
