/**
 * The statement that all launches and deletes consist of: one row changed where it is still as it was thought to be. It
 * is written here and not by knex, whose builder costs more than the statement itself (docs/benchmarks.md, W1).
 */
import type { EngineName } from '../domain/dburi.js';
import type { Columns } from './rows.js';

export interface Statement {
  readonly text: string;
  readonly values: readonly (string | number | null)[];
}

export interface RowChange {
  readonly table: string;
  readonly id: number;
  /** What the row must have; null is null. */
  readonly expected: Columns;
  /** The revision that the row must have, where it matters; a row of the original counts as 0. */
  readonly revision?: number | undefined;
  readonly columns: Columns;
}

export function rowChange(engine: EngineName, { table, id, expected, revision, columns }: RowChange): Statement {
  const quoted = (name: string): string => (engine === 'mysql' ? `\`${name}\`` : `"${name}"`);
  const values: (string | number | null)[] = [];
  const placed = (value: string | number | null): string => {
    values.push(value);
    return engine === 'mysql' ? '?' : `$${String(values.length)}`;
  };
  const sets = Object.entries(columns).map(([name, value]) => `${quoted(name)} = ${placed(value)}`);
  sets.push(`${quoted('revision')} = coalesce(${quoted('revision')}, 0) + 1`);
  const wheres = [`${quoted('id')} = ${placed(id)}`];
  for (const [name, value] of Object.entries(expected)) {
    wheres.push(value === null ? `${quoted(name)} is null` : `${quoted(name)} = ${placed(value)}`);
  }
  if (revision !== undefined) wheres.push(`coalesce(${quoted('revision')}, 0) = ${placed(revision)}`);
  return { text: `update ${quoted(table)} set ${sets.join(', ')} where ${wheres.join(' and ')}`, values };
}
