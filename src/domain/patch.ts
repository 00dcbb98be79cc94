/** What a change of a row makes of it, as the database has it afterwards. */

interface Changeable {
  readonly state: string;
  readonly stateTime: number;
  readonly revision: number;
}

/** The row after a change that its store has confirmed. */
export function patched<Row extends Changeable>(row: Row, patch: Partial<NoInfer<Row>>, nowMs: number): Row {
  const isNewState = patch.state !== undefined && patch.state !== row.state;
  return {
    ...row,
    ...fitted(patch),
    stateTime: isNewState ? Math.floor(nowMs / 1000) : row.stateTime,
    revision: row.revision + 1,
  };
}

/** What people and clouds write: a reason has VARCHAR(255), an error MySQL's TEXT of 65535 bytes. */
const textLengths = { reason: 255, lastError: 10_000 } as const;

/** The patch as its columns take it: text that may be long is cut, and what is undefined is left out. */
export function fitted<Patch extends object>(patch: Patch): Partial<Patch> {
  const cut: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(patch) as [string, unknown][]) {
    if (value === undefined) continue;
    const length = key === 'reason' || key === 'lastError' ? textLengths[key] : null;
    cut[key] = length !== null && typeof value === 'string' ? value.slice(0, length) : value;
  }
  return cut as Partial<Patch>;
}
