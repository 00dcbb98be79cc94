import { beforeEach, describe, expect, test } from 'vitest';
import { GroupCommit } from '../../../src/db/group-commit.js';
import type { Pool } from '../../../src/db/pool.js';
import type { RowChange } from '../../../src/db/row-change.js';
import { Fault } from '../../../src/domain/fault.js';

/** A pool whose commits are over when the test says so. */
class SlowPool {
  readonly commits: number[][] = [];
  trouble: Error | null = null;
  /** The change of this row is refused. */
  bad: number | null = null;
  readonly #open: (() => void)[] = [];

  change({ id }: RowChange): Promise<number> {
    return this.#commit([id]).then(([found]) => found ?? 0);
  }

  changeTogether(changes: readonly RowChange[]): Promise<readonly number[]> {
    return this.#commit(changes.map(({ id }) => id));
  }

  async settle(): Promise<void> {
    await turn();
    for (let open = this.#open.shift(); open; open = this.#open.shift()) {
      open();
      // What waits is looked at in the turn after the one that hears of the commit.
      await turn();
      await turn();
    }
  }

  async #commit(ids: number[]): Promise<number[]> {
    this.commits.push(ids);
    await new Promise<void>(resolve => this.#open.push(resolve));
    if (this.trouble) throw this.trouble;
    if (this.bad !== null && ids.includes(this.bad)) throw new Fault('store.refused', 'the value is too long');
    return ids.map(id => id % 2);
  }
}

const turn = (): Promise<void> => new Promise(resolve => void setImmediate(resolve));

let pool: SlowPool;
let group: GroupCommit;

beforeEach(() => {
  pool = new SlowPool();
  group = new GroupCommit(pool as unknown as Pool);
});

const change = (id: number): Promise<number> => group.change({ table: 'node', id, expected: {}, columns: {} });
const outcomes = async (changes: readonly Promise<number>[]): Promise<unknown[]> => {
  const settled = Promise.allSettled(changes);
  await pool.settle();
  return (await settled).map(each => (each.status === 'fulfilled' ? each.value : (each.reason as Error).message));
};

describe('changes that come together', () => {
  test('go by themselves where they come alone', async () => {
    expect(await outcomes([change(9)])).toEqual([1]);
    expect(await outcomes([change(4)])).toEqual([0]);
    expect(pool.commits).toEqual([[9], [4]]);
  });

  test('are shared out among two groups, in the order of their rows, and those that come meanwhile go together', async () => {
    const asked = [9, 4, 7, 3, 8].map(change);
    await turn();
    expect(pool.commits).toEqual([
      [4, 7, 9],
      [3, 8],
    ]);
    const late = [6, 2, 5].map(change);
    expect(await outcomes([...asked, ...late])).toEqual([1, 0, 1, 1, 0, 0, 0, 1]);
    expect(pool.commits.slice(2)).toEqual([[2, 5, 6]]);
  });

  test('are a hundred to a group at most, and two groups at once', async () => {
    const asked = Array.from({ length: 302 }, (_none, id) => change(id));
    await turn();
    expect(pool.commits.map(({ length }) => length)).toEqual([100, 100]);
    expect(await outcomes(asked)).toHaveLength(302);
    expect(Math.max(...pool.commits.map(({ length }) => length))).toBe(100);
    expect(pool.commits.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 302 }, (_none, id) => id));
  });

  test('are tried one by one where the server refuses one of them', async () => {
    pool.bad = 3;
    const asked = [9, 4, 7, 3, 8].map(change);
    expect(await outcomes(asked)).toEqual([1, 0, 1, 'the value is too long', 0]);
    const [first, second, ...rest] = pool.commits;
    expect([first, second]).toEqual([
      [4, 7, 9],
      [3, 8],
    ]);
    expect(rest).toEqual([[3], [8]]);
  });

  test('are all in doubt where the server goes away, and none is tried again behind its actor', async () => {
    pool.trouble = new Fault('store.away', 'connection lost');
    expect(await outcomes([9, 4, 7, 3].map(change))).toEqual(Array.from({ length: 4 }, () => 'connection lost'));
    expect(pool.commits).toEqual([
      [4, 9],
      [3, 7],
    ]);
  });
});
