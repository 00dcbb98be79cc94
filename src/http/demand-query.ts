/** `LABEL=N`: how many jobs a plan is to assume waiting for a label. */
export function parseDemand(texts: readonly string[]): Record<string, number> {
  return Object.fromEntries(texts.map(parseOne));
}

/** More jobs than any pool ever had waiting; a bigger number is a slip of the finger. */
export const jobsMax = 1_000_000;

function parseOne(text: string): [string, number] {
  const match = /^(.+)=(\d{1,7})$/.exec(text);
  const [, label, count] = match ?? [];
  if (label === undefined || Number(count) > jobsMax) {
    throw new RangeError(`demand "${text}" is not LABEL=N with N from 0 to ${jobsMax}`);
  }
  return [label, Number(count)];
}
