import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '../../examples');
const run = promisify(execFile);

/** What the comment at the top of an example says that it prints: its lines that are set in. */
function promised(example: string): string {
  const [comment = ''] = readFileSync(join(folder, example), 'utf8').split('*/');
  const lines = comment.split('\n').filter(line => line.startsWith(' *     '));
  return lines.map(line => `${line.slice(' *     '.length)}\n`).join('');
}

const examples = readdirSync(folder).filter(name => name.endsWith('.ts'));

test('there are examples', () => {
  expect(examples).toEqual(['counter.ts', 'pool.ts', 'supervision.ts']);
});

test.each(examples)('the example %s prints what its comment says', async example => {
  const { stdout, stderr } = await run(process.execPath, ['--import', 'tsx', join(folder, example)]);
  expect(stderr).toBe('');
  expect(stdout).toBe(promised(example));
  expect(stdout).not.toBe('');
});
