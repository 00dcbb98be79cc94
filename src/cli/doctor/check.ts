/** One thing that was looked at: as it should be, or a finding with a next step. */
import { Fault, named } from '../../domain/fault.js';

export interface Check {
  readonly kind:
    'configuration' | 'files' | 'database' | 'cloud' | 'image' | 'master' | 'publisher' | 'gearman' | 'daemon';
  readonly subject: string;
  readonly ok: boolean;
  readonly message: string;
  /** What to do about a finding; null: nothing. */
  readonly next: string | null;
}

type Kind = Check['kind'];

export function fine(kind: Kind, subject: string, message: string): Check {
  return { kind, subject, ok: true, message, next: null };
}

export function finding(kind: Kind, subject: string, message: string, next: string | null): Check {
  return { kind, subject, ok: false, message, next };
}

/** What came of a question to the outside: its faults are findings. */
export async function examined(kind: Kind, subject: string, look: () => Promise<string>): Promise<Check> {
  try {
    return fine(kind, subject, await look());
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return finding(kind, subject, named(error), error.next);
  }
}
