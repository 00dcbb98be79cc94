import ssh2, { type SFTPWrapper } from 'ssh2';
import type { Disk } from './disk.js';

const { STATUS_CODE } = ssh2.utils.sftp;

/** So much a machine's disk takes of one file. */
const fileBytesMax = 64 * 1024 * 1024;

interface OpenFile {
  readonly path: string;
  readonly mode: number;
  content: Buffer;
}

/** Lets files be written to a machine's disk; there is nothing that anybody wants to read from it. */
export function serveSftp(sftp: SFTPWrapper, disk: Disk): void {
  const open = new Map<number, OpenFile>();
  let handles = 0;
  sftp.on('error', () => {});
  const fileOf = (handle: Buffer): OpenFile | undefined => open.get(handle.length < 4 ? -1 : handle.readUInt32BE(0));

  sftp.on('REALPATH', (id, path) => {
    sftp.name(id, [{ filename: path === '.' ? '/home' : path, longname: path, attrs: attributes(0o755, 0) }]);
  });
  sftp.on('OPEN', (id, path, _flags, attrs) => {
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(++handles);
    open.set(handles, { path, mode: attrs.mode ?? 0o644, content: Buffer.alloc(0) });
    sftp.handle(id, handle);
  });
  sftp.on('WRITE', (id, handle, offset, data) => {
    const file = fileOf(handle);
    if (!file || offset + data.length > fileBytesMax) {
      sftp.status(id, STATUS_CODE.FAILURE);
      return;
    }
    if (offset + data.length > file.content.length) {
      const grown = Buffer.alloc(offset + data.length);
      file.content.copy(grown);
      file.content = grown;
    }
    data.copy(file.content, offset);
    sftp.status(id, STATUS_CODE.OK);
  });
  sftp.on('CLOSE', (id, handle) => {
    const file = fileOf(handle);
    if (file) disk.write(file.path, { content: file.content, mode: file.mode & 0o7777 });
    sftp.status(id, STATUS_CODE.OK);
  });
  sftp.on('SETSTAT', (id, path, attrs) => {
    const file = disk.read(path);
    if (file) disk.write(path, { ...file, mode: (attrs.mode ?? file.mode) & 0o7777 });
    sftp.status(id, file ? STATUS_CODE.OK : STATUS_CODE.NO_SUCH_FILE);
  });
  sftp.on('FSETSTAT', id => sftp.status(id, STATUS_CODE.OK));
  sftp.on('MKDIR', id => sftp.status(id, STATUS_CODE.OK));
  const stat = (id: number, path: string): void => {
    const file = disk.read(path);
    if (file) sftp.attrs(id, attributes(file.mode, file.content.length));
    else sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
  };
  sftp.on('STAT', stat);
  sftp.on('LSTAT', stat);
}

function attributes(mode: number, size: number): { mode: number; size: number; uid: 0; gid: 0; atime: 0; mtime: 0 } {
  return { mode, size, uid: 0, gid: 0, atime: 0, mtime: 0 };
}
