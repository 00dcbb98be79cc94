/** Gearman's binary protocol, as far as a worker and a submitting client need it. */
export const packetTypes = {
  canDo: 1,
  preSleep: 4,
  noop: 6,
  submitJob: 7,
  jobCreated: 8,
  noJob: 10,
  workComplete: 13,
  workFail: 14,
  error: 19,
  grabJobUnique: 30,
  jobAssignUnique: 31,
} as const;

export interface Packet {
  readonly type: number;
  readonly fields: readonly string[];
}

const headerBytes = 12;
/** Bounds what one packet may make us keep. */
const packetBytesMax = 1 << 22;

/** How many fields a packet has; the last one may hold any bytes. */
const fieldCounts: Readonly<Record<number, number>> = {
  [packetTypes.jobCreated]: 1,
  [packetTypes.jobAssignUnique]: 4,
  [packetTypes.workComplete]: 2,
  [packetTypes.workFail]: 1,
  [packetTypes.error]: 2,
};

export function request(type: number, ...fields: readonly string[]): Buffer {
  const body = Buffer.from(fields.join('\0'), 'utf8');
  const header = Buffer.alloc(headerBytes);
  header.write('\0REQ', 'latin1');
  header.writeUInt32BE(type, 4);
  header.writeUInt32BE(body.length, 8);
  return Buffer.concat([header, body]);
}

/** Puts packets together again from whatever pieces the connection delivers. */
export class PacketReader {
  #unread = Buffer.alloc(0);

  read(chunk: Buffer): Packet[] {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    const packets: Packet[] = [];
    while (this.#unread.length >= headerBytes) {
      const size = this.#unread.readUInt32BE(8);
      if (this.#unread.toString('latin1', 0, 4) !== '\0RES' || size > packetBytesMax) {
        throw new Error('not a Gearman server');
      }
      if (this.#unread.length < headerBytes + size) break;
      const type = this.#unread.readUInt32BE(4);
      const body = this.#unread.subarray(headerBytes, headerBytes + size).toString('utf8');
      packets.push({ type, fields: split(body, fieldCounts[type] ?? 1) });
      this.#unread = this.#unread.subarray(headerBytes + size);
    }
    return packets;
  }
}

function split(body: string, count: number): string[] {
  const fields: string[] = [];
  let rest = body;
  while (fields.length < count - 1) {
    const at = rest.indexOf('\0');
    if (at < 0) break;
    fields.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return [...fields, rest];
}
