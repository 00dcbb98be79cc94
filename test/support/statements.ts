import { createRequire } from 'node:module';

export interface StatementCount {
  readonly statements: number;
  /** By their first words. */
  readonly byKind: ReadonlyMap<string, number>;
}

/** Counts what this process asks of a database from now on. */
export function countStatements(): () => StatementCount {
  let statements = 0;
  const byKind = new Map<string, number>();
  const count = (query: unknown): void => {
    const text =
      typeof query === 'string'
        ? query
        : ((query as { text?: string; sql?: string }).text ?? (query as { sql?: string }).sql ?? '?');
    statements++;
    const kind = text.replaceAll(/["`]/g, '').split(/\s+/).slice(0, 3).join(' ').toLowerCase();
    byKind.set(kind, (byKind.get(kind) ?? 0) + 1);
  };
  const require = createRequire(import.meta.url);
  const pg = require('pg') as { Client: { prototype: Record<string, unknown> } };
  const mysql = require('mysql2') as { Connection: { prototype: Record<string, unknown> } };
  for (const prototype of [pg.Client.prototype, mysql.Connection.prototype]) {
    const original = prototype['query'] as (...args: unknown[]) => unknown;
    prototype['query'] = function (this: unknown, ...args: unknown[]) {
      count(args[0]);
      return original.apply(this, args);
    };
  }
  return () => ({ statements, byKind: new Map(byKind) });
}
