/** A Keystone and a Glance that take an image of any size and keep none of it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const expires = new Date(Date.now() + 3_600_000).toISOString();
const server = createServer((request, response) => {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => (bytes += chunk.length));
  request.on('end', () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const catalog = ['compute', 'image'].map(type => ({
      type,
      name: type,
      endpoints: [{ interface: 'public', region: 'R1', url }],
    }));
    const [status, body, token]: [number, unknown, string?] = request.url?.endsWith('/auth/tokens')
      ? [201, { token: { expires_at: expires, catalog } }, 'token']
      : request.method === 'PUT'
        ? [200, { bytes }]
        : [201, { id: 'image' }];
    response.writeHead(status, { 'content-type': 'application/json', ...(token && { 'x-subject-token': token }) });
    response.end(JSON.stringify(body));
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => server.close());
