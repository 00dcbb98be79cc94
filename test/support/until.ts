export interface Patience {
  readonly withinMs?: number;
  readonly everyMs?: number;
}

/**
 * Waits for a condition, never for a time (lesson 177), and resolves to what it found; says what was waited for when it
 * does not come. The limit is far above what anything takes: it says that a test hangs, not that a machine is busy.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { withinMs = 60_000, everyMs = 20 }: Patience = {},
): Promise<Exclude<T, null | undefined | false>> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const found = await condition();
    if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${condition.toString()}`);
    await new Promise(resolve => setTimeout(resolve, everyMs));
  }
}
