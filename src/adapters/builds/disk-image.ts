/** The files of disk images: NAME-VERSION.FORMAT in the images directory, whole ones only. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { Fault } from '../../domain/fault.js';
import type { DiskImage } from '../../domain/pool-config.js';
import { shellQuote } from '../../domain/quote.js';
import { troubleWords } from '../../domain/trouble.js';
import type { DiskFile, DiskWish, MadeFile } from '../../ports/builds.js';
import { Tail } from '../ssh/tail.js';
import type { BuildsConfig } from './builds.js';

/** The newest, and the one before it for whoever sends that one still. */
const versionsKept = 2;
const toldBytes = 4_000;
const logBytesMax = 64 * 1024 * 1024;
/** Between asking a command to end and ending it. */
const graceMs = 5_000;

export async function lookAtFile(file: string): Promise<DiskFile> {
  try {
    const stats = await stat(file);
    if (!stats.isFile()) throw new Error('it is no regular file');
    return { file, bytes: stats.size, fingerprint: `${stats.size}-${Math.round(stats.mtimeMs)}` };
  } catch (error) {
    throw new Fault('build.file', `disk image ${file}: ${troubleWords(error)}`, { cause: error });
  }
}

export async function newestFile(config: BuildsConfig, diskimage: string, format: string): Promise<MadeFile | null> {
  const dir = directoryOf(config);
  const found = (await versionsIn(dir, diskimage)).find(each => each.formats.includes(format));
  if (!found) return null;
  const file = join(dir, nameOf(diskimage, found.version, format));
  return { ...(await lookAtFile(file)), version: found.version };
}

interface MakeOptions {
  readonly config: BuildsConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** Under another name until all of it is there: half a file is never sent (lesson 119). */
export async function makeDiskImage({ diskimage, version, formats }: DiskWish, options: MakeOptions): Promise<void> {
  const dir = directoryOf(options.config);
  const part = partOf(dir, diskimage.name, String(version));
  try {
    await mkdir(dir, { recursive: true });
    await removeParts(dir, partOf(dir, diskimage.name, ''));
    await mkdir(dirname(options.logFile), { recursive: true });
    await run(commandOf(diskimage, part, formats), environmentOf(diskimage, part, formats, options), options);
    for (const format of formats) await assertMade(part, format);
    for (const format of formats) {
      await rename(`${part}.${format}`, join(dir, nameOf(diskimage.name, version, format)));
    }
    await removeOld(dir, diskimage.name);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('build.file', `disk image ${diskimage.name}: ${troubleWords(error)}`, { cause: error });
  } finally {
    await removeParts(dir, part);
  }
}

async function assertMade(part: string, format: string): Promise<void> {
  const stats = await stat(`${part}.${format}`).catch(() => null);
  if (stats?.isFile() !== true)
    throw new Fault('build.command', `the build ended well without a ${format} in $DIB_IMAGE_FILENAME.${format}`);
}

const partOf = (dir: string, diskimage: string, version: string): string =>
  join(dir, `.making@${encodeURIComponent(diskimage)}@${version}`);

/** As the original's builder called it (reference 22.1). */
function commandOf({ command, elements, qemuImgOptions }: DiskImage, part: string, formats: readonly string[]): string {
  if (command !== null) return command;
  const compatible = formats.includes('qcow2') ? ` --qemu-img-options ${shellQuote(qemuImgOptions)}` : '';
  const types = shellQuote(formats.join(','));
  return `disk-image-create -x -t ${types} --no-tmpfs${compatible} -o ${shellQuote(part)} ${elements.map(shellQuote).join(' ')}`;
}

function environmentOf(
  { name, release, envVars }: DiskImage,
  part: string,
  formats: readonly string[],
  { config, env }: MakeOptions,
): Record<string, string> {
  const own = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
  return {
    ...own,
    ...(release === null ? {} : { DIB_RELEASE: release }),
    ...(config.elementsDir === null ? {} : { ELEMENTS_PATH: config.elementsDir }),
    ...(config.scriptDir === null ? {} : { NODEPOOL_SCRIPTDIR: config.scriptDir }),
    DIB_IMAGE_NAME: name,
    DIB_IMAGE_FILENAME: part,
    NODEPOOL_IMAGE_FORMATS: formats.join(' '),
    ...envVars,
  };
}

/** In a process group of its own, so that all that it started ends with it. */
function run(command: string, environment: Record<string, string>, options: MakeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], {
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = new Tail(toldBytes);
    const log = createWriteStream(options.logFile, { flags: 'a', mode: 0o640 });
    log.on('error', () => undefined);
    let logged = 0;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said.add(chunk);
        if (logged < logBytesMax) log.write(chunk);
        logged += chunk.length;
      });
    }
    let why: string | null = null;
    const end = (reason: string): void => {
      why ??= reason;
      kill(child.pid, 'SIGTERM');
      setTimeout(() => kill(child.pid, 'SIGKILL'), graceMs).unref();
    };
    const timer = setTimeout(
      () => end(`was not done within ${Math.round(options.deadlineMs / 1000)} s`),
      options.deadlineMs,
    );
    const onAbort = (): void => end('is no longer wanted');
    if (options.signal.aborted) onAbort();
    options.signal.addEventListener('abort', onAbort, { once: true });
    const settle = (how: string | null): void => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', onAbort);
      log.end();
      if (how === null) resolve();
      else reject(new Fault('build.command', `the build ${how}; it said:\n${said.text().trim()}`));
    };
    child.on('error', error => settle(`cannot be started: ${troubleWords(error)}`));
    child.on('close', (code, signal) => {
      if (why !== null) settle(why);
      else settle(code === 0 ? null : `ended with ${code ?? signal ?? 'a signal'}`);
    });
  });
}

function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}

function directoryOf({ imagesDir, stateDir }: BuildsConfig): string {
  return imagesDir ?? join(stateDir, 'images');
}

function nameOf(diskimage: string, version: number, format: string): string {
  return `${encodeURIComponent(diskimage)}-${version}.${format}`;
}

/** Newest first. Directories that a builder leaves beside its files are none of them (lesson 119). */
async function versionsIn(
  dir: string,
  diskimage: string,
): Promise<{ readonly version: number; readonly formats: string[] }[]> {
  const prefix = `${encodeURIComponent(diskimage)}-`;
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const versions = new Map<number, string[]>();
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.startsWith(prefix)) continue;
    const [, version, format] = /^(\d+)\.([\w-]+)$/.exec(entry.name.slice(prefix.length)) ?? [];
    if (version === undefined || format === undefined) continue;
    versions.set(Number(version), [...(versions.get(Number(version)) ?? []), format]);
  }
  return [...versions].map(([version, formats]) => ({ version, formats })).sort((a, b) => b.version - a.version);
}

async function removeOld(dir: string, diskimage: string): Promise<void> {
  for (const { version, formats } of (await versionsIn(dir, diskimage)).slice(versionsKept)) {
    for (const format of formats) await rm(join(dir, nameOf(diskimage, version, format)), { force: true });
  }
}

/** What a build that failed, or a builder that works beside its files, has left. */
async function removeParts(dir: string, part: string): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  for (const name of names) {
    const path = join(dir, name);
    if (path.startsWith(part)) await rm(path, { recursive: true, force: true });
  }
}
