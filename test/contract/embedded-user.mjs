/** Uses the embedded PostgreSQL of a directory: says who serves it, then stops at the word `stop`, or just exits. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { startEmbeddedPostgres } from '../../dist/db/embedded.js';

const [dir, shelter] = process.argv.slice(2);
const server = await startEmbeddedPostgres({ dir, shelter, maxConnections: 20 });
console.log(JSON.stringify({ pid: server.pid, port: server.port, dburi: server.dburi, home: server.home }));
const [word] = await once(createInterface(process.stdin), 'line');
if (word === 'stop') await server.stop();
process.exit(0);
