import { stringify } from 'yaml';

/** What programs read. */
export function dataText(output: 'json' | 'yaml', data: unknown): string {
  return output === 'json' ? `${JSON.stringify(data, null, 2)}\n` : stringify(data, { lineWidth: 0 });
}
