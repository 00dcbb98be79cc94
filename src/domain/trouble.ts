/**
 * What the operating system, OpenSSL and Node.js say of a failed connection, as a person can use it. Their own texts
 * have holes ("Local (undefined:undefined)"), addresses of memory, or nothing at all where each address of a name was
 * refused. The words are also the mark by which `adviceIn` finds advice that is better than that of a fault's kind: most
 * kinds are about the other side, and here it may be this machine that has run out of something.
 */

interface Trouble {
  readonly codes: RegExp;
  readonly words: string;
  /** Null: the advice of the fault's kind is right. */
  readonly next: string | null;
}

const troubles: readonly Trouble[] = [
  {
    codes: /^(EMFILE|ENFILE)$/,
    words: 'this machine has no file descriptor left for it',
    next: 'raise LimitNOFILE of the unit of nodepoold (ulimit -n), and fs.file-max where that is the limit; the other side is not asked',
  },
  {
    codes: /^(ENOMEM|ENOBUFS)$/,
    words: 'this machine has no memory left for it',
    next: 'give this machine or the unit of nodepoold more memory; the other side is not asked',
  },
  {
    codes: /^EADDRNOTAVAIL$/,
    words: 'this machine has no address or port of its own to connect from',
    next: 'see ss -s for connections without end, and ip address for an address of the same family; widen net.ipv4.ip_local_port_range',
  },
  {
    codes: /^EAGAIN$/,
    words: 'this machine can start no more threads',
    next: 'raise TasksMax and LimitNPROC of the unit of nodepoold (ulimit -u)',
  },
  {
    codes: /^(ENOSPC|EDQUOT)$/,
    words: 'the disk of this machine has no room left for it',
    next: 'free space on that disk',
  },
  {
    codes: /^ERR_WORKER_OUT_OF_MEMORY$/,
    words: 'it needed more memory than a thread may have',
    next: 'see how many servers and images the cloud lists for this project: the answers were too large',
  },
  {
    codes: /^(ERR_MODULE_NOT_FOUND|MODULE_NOT_FOUND)$/,
    words: 'a file of nodepool is missing',
    next: 'install nodepool anew (in a checkout: npm run build)',
  },
  {
    // OpenSSL's way to say that the first bytes were no TLS.
    codes: /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/,
    words: 'what answers there does not speak TLS',
    next: 'name the port that speaks TLS, or leave TLS out: http:// in a URL, no ssl-… keys of gearman-servers',
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    words: 'its certificate is for another name',
    next: 'name the host as its certificate does (in auth-url, the catalogue of the cloud, jenkins.url or dburi), or have the certificate made for this name',
  },
  {
    codes: /^CERT_HAS_EXPIRED$/,
    words: 'its certificate has ended',
    next: 'have its operator renew the certificate; where it is new, check the clock of this machine (timedatectl)',
  },
  {
    codes: /^CERT_NOT_YET_VALID$/,
    words: 'its certificate is not valid yet',
    next: 'check the clock of this machine (timedatectl)',
  },
  {
    codes: /^(ENOTFOUND|EAI_NONAME|EAI_NODATA)$/,
    words: 'its name does not resolve',
    next: 'check how the name is spelt, and on this machine: getent hosts NAME',
  },
  {
    codes: /^EAI_/,
    words: 'its name cannot be looked up',
    next: 'check the name servers of this machine (/etc/resolv.conf); it is tried again',
  },
  {
    codes: /^(UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED)/,
    words: 'its certificate is of an authority that is not trusted here',
    next: 'name that authority: cacert of a provider, ssl-ca of gearman-servers, sslrootcert or ssl_ca in dburi, NODE_EXTRA_CA_CERTS in the environment of nodepoold for a master',
  },
  {
    codes: /^HPE_/,
    words: 'what answers there does not speak HTTP',
    next: null,
  },
  { codes: /^UND_ERR_SOCKET$/, words: 'the connection was closed before the whole answer came', next: null },
];

/** One line, never empty. */
export function troubleWords(error: unknown): string {
  const code = troubleCode(error);
  const known = code === null ? undefined : troubles.find(({ codes }) => codes.test(code));
  if (known !== undefined) return `${known.words} (${code}${detailOf(error, code)})`;
  const { message, errors, reason } = fieldsOf(error);
  if (code?.startsWith('ERR_SSL_') === true || code === 'EPROTO') return `no TLS with it: ${reason ?? code}`;
  if (code?.startsWith('ERR_OSSL_') === true)
    return `a certificate or key file of ours cannot be used: ${reason ?? code}`;
  if (message !== '') return message.split('\n', 1)[0] ?? message;
  // Node.js gives no message where each address of a name was refused.
  if (errors.length > 0) return errors.map(troubleWords).join(', ');
  return code ?? 'it failed without a word';
}

/** Of a thread of ours: whatever ended it, the other side did not. */
export const threadEnded = 'the worker thread ended';
/** By SFTP, whose servers say of a full disk "Failure" and no more. */
export const fileNotTaken = 'the machine does not take the file';

const marks: readonly { readonly words: string; readonly next: string }[] = [
  {
    words: threadEnded,
    next: 'nodepoold starts another thread by itself; where it happens again, report it with the log around it',
  },
  {
    words: fileNotTaken,
    next: 'see that sshd of the image offers sftp, that this user may write there, and that the disk of the machine has room',
  },
];

/** The advice for words of `troubleWords` in a text; null: that of its kind. */
export function adviceIn(text: string): string | null {
  const known = troubles.find(({ words }) => text.includes(words))?.next ?? null;
  return known ?? marks.find(({ words }) => text.includes(words))?.next ?? null;
}

/** The operating system's or the library's name for it. */
function troubleCode(error: unknown): string | null {
  const { code, message, errors } = fieldsOf(error);
  // A thread that cannot start has the cause at the end of its message only.
  if (code === 'ERR_WORKER_INIT_FAILED') return /\b(E[A-Z]+)\b/.exec(message.replace(/^Error/, ''))?.[1] ?? code;
  // Undici's parser gives no code for the very first bytes.
  if (error instanceof Error && error.name === 'HTTPParserError') return code ?? 'HPE_INVALID_CONSTANT';
  // The BIO of OpenSSL gives the reason of a handshake that failed in the text only.
  if (code === 'EPROTO' && /wrong version number/i.test(message)) return 'ERR_SSL_WRONG_VERSION_NUMBER';
  if (code === null && errors.length > 0) return troubleCode(errors[0]);
  return code;
}

/** Which name, and for which names instead. */
function detailOf(error: unknown, code: string | null): string {
  const { hostname, reason } = fieldsOf(error);
  if (hostname !== null && /^E(NOTFOUND|AI_)/.test(code ?? '')) return `, ${hostname}`;
  // "Host: a.example. is not in the cert's altnames: DNS:b.example"
  return code === 'ERR_TLS_CERT_ALTNAME_INVALID' && reason !== null ? `: ${reason.replace(/:\s*$/, '')}` : '';
}

function fieldsOf(error: unknown): {
  readonly code: string | null;
  readonly message: string;
  readonly hostname: string | null;
  readonly reason: string | null;
  readonly errors: readonly unknown[];
} {
  const all = (typeof error === 'object' && error !== null ? error : {}) as Readonly<Record<string, unknown>>;
  const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
  return {
    code: textOf(all['code']),
    message: textOf(all['message']) ?? (typeof error === 'string' ? error : ''),
    hostname: textOf(all['hostname']),
    reason: textOf(all['reason']),
    errors: Array.isArray(all['errors']) ? all['errors'] : [],
  };
}
