import { describe, expect, test } from 'vitest';
import { alike, rowChanges, type RowChange } from '../../../src/db/row-change.js';

const change = (id: number, more: Partial<RowChange> = {}): RowChange => ({
  table: 'node',
  id,
  expected: { state: 2, step: null },
  revision: id + 10,
  columns: { state: 4, ip: `192.0.2.${id}` },
  ...more,
});

describe('changes of different rows', () => {
  test('are one statement of one text for PostgreSQL, however many there are', () => {
    const { text, values } = rowChanges('postgresql', [change(1), change(2)]);
    expect(text).toBe(
      'update "node" set "state" = value_0, "ip" = value_1, "revision" = coalesce("revision", 0) + 1 ' +
        'from unnest($1::integer[], $2::integer[], $3::numeric[], $4::text[]) as given (of_id, of_revision, value_0, value_1) ' +
        'where "id" = any($1::integer[]) and "id" = of_id and coalesce("revision", 0) = of_revision and "state" = $5 and "step" is null',
    );
    expect(values).toEqual([[1, 2], [11, 12], [4, 4], ['192.0.2.1', '192.0.2.2'], 2]);
    expect(rowChanges('postgresql', [change(1), change(2), change(3)]).text).toBe(text);
  });

  test('are one statement for MySQL', () => {
    const { text, values } = rowChanges('mysql', [change(1), change(2)]);
    expect(text).toBe(
      'update `node` join (select ? as of_id, ? as of_revision, ? as value_0, ? as value_1 union all select ?, ?, ?, ?) as given ' +
        'set `state` = value_0, `ip` = value_1, `revision` = coalesce(`revision`, 0) + 1 ' +
        'where `id` = of_id and coalesce(`revision`, 0) = of_revision and `state` = ? and `step` is null',
    );
    expect(values).toEqual([1, 11, 4, '192.0.2.1', 2, 12, 4, '192.0.2.2', 2]);
  });

  test('go together where they expect the same and change the same columns', () => {
    const [first, second] = [change(1), change(2)];
    const others = [
      change(3, { expected: { state: 2, step: 'create' } }),
      change(4, { columns: { state: 4 } }),
      change(5, { table: 'subnode' }),
      change(6, { revision: undefined }),
      change(7, { revision: undefined }),
    ];
    expect(alike([first, ...others, second])).toEqual([[first, second], ...others.map(each => [each])]);
  });
});
