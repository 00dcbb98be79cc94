import type { Generation } from '../domain/statistics.js';

/**
 * Where measurements go. Never throws, never waits: statistics never break work (lesson 167). A key that belongs to one
 * generation of the original (`of`) is left out where the other one's are wanted.
 */
export interface StatsPort {
  count(key: string, by?: number, of?: Generation): void;
  timing(key: string, ms: number, of?: Generation): void;
  gauge(key: string, value: number, of?: Generation): void;
  /** Tells when measurements get lost, as far as that can be seen, and when they arrive again: null. */
  watch(listener: (trouble: string | null) => void): void;
  close(): Promise<void>;
}
