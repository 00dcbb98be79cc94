/** What image builds need of a machine, in memory. It outlives the daemon, as files do. */
import { Fault } from '../../src/domain/fault.js';
import type { Tag } from '../../src/domain/ids.js';
import type { BuildKey, BuildPlace, BuildsPort, DiskFile, DiskWish, MadeFile } from '../../src/ports/builds.js';

export class FakeBuilds implements BuildsPort {
  readonly keys = new Map<Tag, BuildKey>();
  readonly logs = new Map<string, string>();
  readonly environment: Record<string, string> = { NODEPOOL_SSH_KEY: `it's "a" $key` };
  readonly files = new Map<string, DiskFile>();
  readonly made: { readonly wish: DiskWish; readonly file: MadeFile }[] = [];
  /** How the making of a disk image ends; awaited before it does. */
  onMake: (wish: DiskWish) => Promise<Fault | null> = () => Promise.resolve(null);

  key(build: Tag): Promise<BuildKey> {
    const key = this.keys.get(build) ?? { publicKey: `ssh-ed25519 ${build}`, privateKeyFile: `/keys/${build}` };
    this.keys.set(build, key);
    return Promise.resolve(key);
  }

  async forgetKey(build: Tag): Promise<void> {
    this.keys.delete(build);
  }

  logFile({ provider, image, version }: BuildPlace): string {
    return `/logs/${provider}.${image}.${version}.log`;
  }

  async log(place: BuildPlace, _at: number, text: string): Promise<void> {
    const file = this.logFile(place);
    this.logs.set(file, `${this.logs.get(file) ?? ''}${text}\n`);
  }

  look(file: string): Promise<DiskFile> {
    const found = this.files.get(file);
    return found ? Promise.resolve(found) : Promise.reject(new Fault('build.file', `disk image ${file}: no such file`));
  }

  newest(diskimage: string, format: string): Promise<MadeFile | null> {
    const found = this.made.filter(({ wish }) => wish.diskimage.name === diskimage && wish.formats.includes(format));
    return Promise.resolve(found.at(-1)?.file ?? null);
  }

  async make(wish: DiskWish): Promise<void> {
    const trouble = await this.onMake(wish);
    if (trouble) throw trouble;
    const { diskimage, version } = wish;
    const file = `/images/${diskimage.name}-${version}`;
    this.made.push({ wish, file: { file, bytes: 1_000, fingerprint: String(version), version } });
  }
}
