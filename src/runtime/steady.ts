import type { Clock } from './clock.js';

/** Such small steps are noise of two clocks that are read one after the other. */
const noiseMs = 100;
/** By so much the time of day may run faster or slower than real time while it catches up. */
const slewMax = 0.5;

/**
 * A clock whose time of day never jumps. Somebody may set the clock of the machine, or wake it from a sleep, and then
 * everything that is due at a time would be due at once, or not for hours. So a jump is followed slowly: an hour is caught
 * up with in two, meanwhile waits are half as long again or two thirds as long at most, and time never goes back.
 */
export function steady(clock: Clock): Clock {
  let last = clock.monotonic();
  let offset = clock.now() - last;
  return {
    now() {
      const monotonic = clock.monotonic();
      const gap = clock.now() - (monotonic + offset);
      const stepMax = slewMax * (monotonic - last);
      if (Math.abs(gap) > noiseMs) offset += Math.min(stepMax, Math.max(-stepMax, gap));
      last = monotonic;
      return Math.floor(monotonic + offset);
    },
    monotonic: () => clock.monotonic(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
  };
}
