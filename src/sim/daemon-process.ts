/** A staged daemon in a process of its own: started, killed and started again, stopped. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PoolConfig } from '../domain/pool-config.js';
import type { StagedAnswer, StagedOrder } from './staged-daemon.js';

/** The same from src/sim and from dist/sim, but only built it can be started. */
const program = fileURLToPath(new URL('../../dist/sim/staged-daemon.js', import.meta.url));

export class DaemonProcess {
  readonly #socket: string;
  #config: PoolConfig;
  #child: ChildProcess | null = null;
  url: string | null = null;
  kills = 0;
  /** Resolves if it gives up by itself. */
  readonly failed: Promise<Error>;
  #giveUp: (error: Error) => void = () => undefined;

  constructor(config: PoolConfig, socket: string) {
    this.#config = config;
    this.#socket = socket;
    this.failed = new Promise(resolve => (this.#giveUp = resolve));
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    const child = fork(program, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child = child;
    const answered = new Promise<StagedAnswer>((resolve, reject) => {
      child.once('message', message => resolve(message as StagedAnswer));
      child.once('exit', code => reject(new Error(`the daemon ended with ${code ?? 'a signal'} before it served`)));
      child.once('error', reject);
    });
    this.#say({ type: 'run', config: this.#config, socket: this.#socket });
    const answer = await answered;
    if (answer.type === 'failed') throw new Error(answer.message);
    this.url = answer.url;
    child.on('message', (later: StagedAnswer) => {
      if (later.type === 'failed') this.#giveUp(new Error(later.message));
    });
    // Another life is found where this one was.
    if (answer.url !== null)
      this.#config = { ...this.#config, control: { ...this.#config.control, http: new URL(answer.url).host } };
  }

  /** As `kill -9` does it; its next life goes on from the rows. */
  async killAndStart(): Promise<void> {
    await this.#ended(child => void child.kill('SIGKILL'));
    if (this.#child?.signalCode === 'SIGKILL') this.kills++;
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#ended(() => this.#say({ type: 'stop' }));
  }

  async #ended(end: (child: ChildProcess) => void): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise(resolve => child.once('exit', resolve));
    end(child);
    await exited;
  }

  #say(order: StagedOrder): void {
    this.#child?.send(order);
  }
}
