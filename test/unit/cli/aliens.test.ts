import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../../src/domain/fault.js';
import { Harness } from './harness.js';

let cli: Harness;

beforeEach(async () => {
  cli = await Harness.open();
});

afterEach(async () => {
  await cli.close();
});

const server = { provider: 'rax', hostname: 'db-1', serverId: 's-1', ip: null, status: 'ACTIVE', mark: null };
const image = { provider: 'rax', name: 'backup', imageId: 'i-1', status: 'active', mark: 'np-a-1' };

describe('alien-list and alien-image-list', () => {
  it('draw the columns of the original, and more with -o wide', async () => {
    cli.api.alienServerViews = { aliens: [server], troubles: [] };
    cli.api.alienImageViews = { aliens: [image], troubles: [] };
    await cli.serve();
    expect((await cli.ask('alien-list')).out).toBe(
      `
+----------+----------+-----------+------+
| Provider | Hostname | Server ID | IP   |
+----------+----------+-----------+------+
| rax      | db-1     | s-1       | None |
+----------+----------+-----------+------+
`.trimStart(),
    );
    expect((await cli.ask('alien-image-list')).out).toBe(
      `
+----------+--------+----------+
| Provider | Name   | Image ID |
+----------+--------+----------+
| rax      | backup | i-1      |
+----------+--------+----------+
`.trimStart(),
    );
    expect((await cli.ask('alien-image-list', '-o', 'wide')).out).toContain('| Status | Mark   |');
    expect((await cli.ask('alien-list', '-o', 'name')).out).toBe('server/s-1\n');
    expect(JSON.parse((await cli.ask('alien-image-list', 'rax', '-o', 'json')).out)).toEqual([image]);
    expect(cli.api.calls.at(-1)).toEqual(['alienImages', 'rax']);
  });

  it('list the others where one cloud cannot be asked, say which, and end with 1', async () => {
    const troubles = [{ provider: 'hp', reason: 'connection refused', next: 'check auth-url' }];
    cli.api.alienServerViews = { aliens: [server], troubles };
    await cli.serve();
    const { code, out, err } = await cli.ask('alien-list', '-o', 'name');
    expect([code, out]).toEqual([1, 'server/s-1\n']);
    expect(err).toBe('nodepool: hp could not be asked: connection refused; check auth-url\n');
  });

  it('end with 3 where there is no such provider, with a daemon and without', async () => {
    await cli.serve();
    expect((await cli.ask('alien-list', 'nobody')).code).toBe(3);
    expect((await cli.run('alien-image-list', 'nobody', ...(await cli.configure()))).code).toBe(3);
  });

  it('ask the clouds themselves while no daemon runs, and close what they opened', async () => {
    const config = await cli.configure();
    const cloud = cli.cloud('rax-ord');
    const id = cloud.addForeign('database-1');
    const { code, out, err } = await cli.run('alien-list', '-o', 'name', ...config);
    expect([code, out]).toEqual([0, `server/${id}\n`]);
    expect(err).toContain('using the database itself');
    expect(cloud.isClosed).toBe(true);
    expect(cli.store.calls).toEqual(['attach', 'close']);
  });

  it('say what is wrong with a cloud while no daemon runs', async () => {
    const config = await cli.configure();
    cli.cloud('rax-ord').always('listImages', new Fault('cloud.auth', 'invalid user'));
    const { code, err } = await cli.run('alien-image-list', ...config);
    expect(code).toBe(1);
    expect(err).toContain('rax-ord could not be asked: invalid user; check username, password and project');
  });
});
