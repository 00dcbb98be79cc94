import { describe, expect, test } from 'vitest';
import { databasePlace, parseDburi } from '../../src/domain/dburi.js';

const tls = (options: string) => parseDburi(options).tls;
const none = { caFile: null, certFile: null, keyFile: null };

describe('TLS by dburi', () => {
  test.each([
    ['mysql://h/d', null],
    ['mysql://h/d?charset=utf8', null],
    ['mysql://h/d?ssl=true', { ...none, verifies: 'nothing' }],
    ['mysql://h/d?ssl=false&ssl_ca=/ca', null],
    ['mysql+pymysql://h/d?ssl_ca=/ca', { ...none, caFile: '/ca', verifies: 'name' }],
    ['mysql://h/d?ssl_ca=/ca&ssl_check_hostname=false', { ...none, caFile: '/ca', verifies: 'certificate' }],
    ['mysql://h/d?ssl_ca=/ca&ssl_verify_cert=0', { ...none, caFile: '/ca', verifies: 'nothing' }],
    [
      'mysql://h/d?ssl_cert=/c&ssl_key=/k&ssl_verify_cert=true',
      { caFile: null, certFile: '/c', keyFile: '/k', verifies: 'name' },
    ],
    ['mysql://10.0.0.1/d?ssl_ca=/ca', { ...none, caFile: '/ca', verifies: 'certificate' }],
    ['mysql://[::1]/d?ssl_ca=/ca', { ...none, caFile: '/ca', verifies: 'certificate' }],
    ['postgresql://h/d', null],
    ['postgresql://h/d?sslmode=prefer', null],
    ['postgresql://h/d?sslmode=require', { ...none, verifies: 'nothing' }],
    ['postgresql://h/d?sslmode=require&sslrootcert=/ca', { ...none, caFile: '/ca', verifies: 'certificate' }],
    ['postgresql://h/d?sslrootcert=/ca', { ...none, caFile: '/ca', verifies: 'certificate' }],
    [
      'postgresql+psycopg2://h/d?sslmode=verify-full&sslcert=/c&sslkey=/k',
      { caFile: null, certFile: '/c', keyFile: '/k', verifies: 'name' },
    ],
  ])('%s', (dburi, expected) => expect(tls(dburi)).toEqual(expected));

  test.each([
    ['postgresql://?/user:secret@h/d?sslmode=require', 'what follows its ? is not understood'],
    ['mysql://h/d?sslmode=require', 'the option sslmode is not supported'],
    ['mysql://h/d?ssl_check_hostname=perhaps', 'ssl_check_hostname is true or false'],
    ['mysql://10.0.0.1/d?ssl_ca=/ca&ssl_check_hostname=true', 'needs the name of the host'],
    ['postgresql://h/d?sslmode=strict', 'sslmode is one of disable'],
    ['postgresql://h/d?ssl_ca=/ca', 'the option ssl_ca is not supported'],
    ['mysql://h:99999/d', 'the port is no number'],
  ])('%s is refused', (dburi, message) => expect(() => parseDburi(dburi)).toThrow(message));
});

test('the place is told without the password', () => {
  expect(databasePlace(parseDburi('mysql://u:s%2Fe@h:3307/d?ssl_ca=/ca'))).toBe('h:3307/d');
});
