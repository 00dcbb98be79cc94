import { expect, test } from 'vitest';
import { toFault } from '../../src/db/faults.js';

const mysql = (errno: number, sqlMessage: string) => Object.assign(new Error(sqlMessage), { errno, sqlMessage });
const postgres = (code: string, message: string) => Object.assign(new Error(message), { code });

test.each([
  ['a server that fails over', mysql(1290, 'The MariaDB server is running with the --read-only option')],
  ['a standby', postgres('25006', 'cannot execute UPDATE in a read-only transaction')],
  ['a full disk', mysql(1021, 'Disk full (/tmp); waiting for someone to free some space...')],
  ['a full disk', postgres('53100', 'could not extend file "base/16384/16400": No space left on device')],
  ['a full table space', mysql(1114, "The table 'node' is full")],
  ['a disk that fails', mysql(1030, 'Got error 28 "No space left on device" from storage engine InnoDB')],
  ['a disk that fails', postgres('58030', 'could not fsync file: Input/output error')],
  ['no memory', postgres('53200', 'out of memory')],
  ['too many connections', mysql(1040, 'Too many connections')],
  ['too many connections', postgres('53300', 'sorry, too many clients already')],
  ['tables that are still made', postgres('42P01', 'relation "node" does not exist')],
  ['tables that are still made', mysql(1146, "Table 'nodepool.node' doesn't exist")],
])('%s is waited for: %s', (_what, error) => {
  expect(toFault(error).kind).toBe('store.away');
});

test.each([
  ['a mistake of ours', mysql(1054, "Unknown column 'x' in 'field list'")],
  ['a mistake of ours', postgres('42703', 'column "x" does not exist')],
  ['a value that does not fit', mysql(1406, "Data too long for column 'hostname'")],
])('%s is not: %s', (_what, error) => {
  expect(toFault(error).kind).toBe('store.refused');
});
