/**
 * The statement that all launches and deletes consist of: one row changed where it is still as it was thought to be. It
 * is written here and not by knex, whose builder costs more than the statement itself (docs/benchmarks.md, W1).
 */
import assert from 'node:assert/strict';
import type { EngineName } from '../domain/dburi.js';
import { grouped } from '../domain/grouped.js';
import type { Columns } from './rows.js';

type Value = string | number | null;

export interface Statement {
  readonly text: string;
  readonly values: readonly (Value | readonly Value[])[];
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
  const { quoted, placed, isEqual, values } = writing(engine);
  const sets = Object.entries(columns).map(([name, value]) => `${quoted(name)} = ${placed(value)}`);
  sets.push(`${quoted('revision')} = coalesce(${quoted('revision')}, 0) + 1`);
  const wheres = [`${quoted('id')} = ${placed(id)}`, ...Object.entries(expected).map(isEqual)];
  if (revision !== undefined) wheres.push(`coalesce(${quoted('revision')}, 0) = ${placed(revision)}`);
  return { text: `update ${quoted(table)} set ${sets.join(', ')} where ${wheres.join(' and ')}`, values };
}

/** Changes that one statement can make: of rows that should be alike, but for their revisions, and of the same columns. */
export function alike(changes: readonly RowChange[]): readonly (readonly RowChange[])[] {
  const kindOf = ({ table, id, expected, revision, columns }: RowChange): string =>
    JSON.stringify([table, expected, Object.keys(columns), revision === undefined ? id : 'by revision']);
  return [...grouped(changes, kindOf).values()];
}

/** Changes that are alike, of different rows: it finds as many rows as there are changes, where all of them apply. */
export function rowChanges(engine: EngineName, changes: readonly RowChange[]): Statement {
  const [first] = changes;
  assert(first !== undefined, 'no change to make');
  if (changes.length === 1) return rowChange(engine, first);
  const { table, expected, columns } = first;
  const { quoted, placed, isEqual, values } = writing(engine);
  const names = Object.keys(columns);
  const given = ['of_id', 'of_revision', ...names.map((_name, at) => `value_${String(at)}`)];
  const rows = changes.map(each => [each.id, each.revision ?? 0, ...names.map(name => each.columns[name] ?? null)]);
  const sets = names.map((name, at) => `${quoted(name)} = value_${String(at)}`);
  sets.push(`${quoted('revision')} = coalesce(${quoted('revision')}, 0) + 1`);
  const isGiven = `${quoted('id')} = of_id and coalesce(${quoted('revision')}, 0) = of_revision`;
  // After what is given: the values are in the order of the text.
  const where = (): string => [isGiven, ...Object.entries(expected).map(isEqual)].join(' and ');
  if (engine === 'mysql') {
    const selects = rows.map((row, n) =>
      row.map((value, at) => (n === 0 ? `${placed(value)} as ${given[at] ?? ''}` : placed(value))).join(', '),
    );
    const list = selects.map(select => `select ${select}`).join(' union all ');
    return { text: `update ${quoted(table)} join (${list}) as given set ${sets.join(', ')} where ${where()}`, values };
  }
  // Of one text for any number of rows: PostgreSQL plans it once for each connection.
  const lists = given.map((_name, at) => {
    const list = rows.map(row => row[at] ?? null);
    const isText = list.some(value => typeof value === 'string');
    return `${placed(list)}::${at < 2 ? 'integer' : isText ? 'text' : 'numeric'}[]`;
  });
  const list = `unnest(${lists.join(', ')}) as given (${given.join(', ')})`;
  // Found by their ids: by what it last knew of a table it may take the state for the rarer thing, and compare each row of
  // the table with each that is given.
  const isOneOf = `${quoted('id')} = any(${lists[0] ?? ''})`;
  return {
    text: `update ${quoted(table)} set ${sets.join(', ')} from ${list} where ${isOneOf} and ${where()}`,
    values,
  };
}

function writing(engine: EngineName) {
  const values: (Value | readonly Value[])[] = [];
  const quoted = (name: string): string => (engine === 'mysql' ? `\`${name}\`` : `"${name}"`);
  const placed = (value: Value | readonly Value[]): string => {
    values.push(value);
    return engine === 'mysql' ? '?' : `$${String(values.length)}`;
  };
  const isEqual = ([name, value]: [string, Value]): string =>
    value === null ? `${quoted(name)} is null` : `${quoted(name)} = ${placed(value)}`;
  return { quoted, placed, isEqual, values };
}
