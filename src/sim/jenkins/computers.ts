import type { Chance } from '../chance.js';
import type { Machines } from '../machines.js';
import type { Timers } from '../timers.js';
import { Computer, type JenkinsNode, type SshLauncher } from './computer.js';
import type { MasterSettings, Profile } from './settings.js';

interface ComputersParts {
  readonly master: string;
  readonly profile: Profile;
  readonly settings: MasterSettings;
  readonly chance: Chance;
  readonly timers: Timers;
  readonly machines: Machines;
  readonly credentialsId: string;
  /** Host key of the machines. */
  readonly hostKey: string;
  /** Called after every change that may matter to whoever gives out work. */
  readonly changed: (computer: Computer) => void;
  /** Called when a computer with running builds has lost its machine. */
  readonly killBuilds: (computer: Computer) => void;
}

/** A master's nodes and their computers, which are two things: see `delete`. */
export class Computers {
  readonly #parts: ComputersParts;
  readonly #nodes = new Map<string, JenkinsNode>();
  readonly #computers = new Map<string, Computer>();

  constructor(parts: ComputersParts) {
    this.#parts = parts;
  }

  get(name: string): Computer | null {
    return this.#computers.get(name) ?? null;
  }

  node(name: string): JenkinsNode | null {
    return this.#nodes.get(name) ?? null;
  }

  get nodeCount(): number {
    return this.#nodes.size;
  }

  /** By name, as Jenkins lists them. */
  all(): readonly Computer[] {
    return [...this.#computers.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Adds a node under a free name and begins to connect it. Where the name's old computer still finishes a build, an
   * old master gives that computer to the new node, and a new one leaves the node without any.
   */
  create(node: JenkinsNode): void {
    this.#nodes.set(node.name, node);
    const lingering = this.#computers.get(node.name);
    if (lingering && this.#parts.profile === 'new') return;
    if (node.executors === 0) return;
    const computer = lingering ?? new Computer(node, this.#parts.master);
    computer.node = node;
    this.#computers.set(node.name, computer);
    this.#launchLater(computer, this.#parts.chance.between(this.#parts.settings.connectMs));
  }

  /** Drops the node. An idle computer goes with it; a busy one loses its connection and stays until its build has died. */
  delete(computer: Computer): void {
    if (computer.node) this.#nodes.delete(computer.name);
    computer.node = null;
    if (computer.isIdle) this.#computers.delete(computer.name);
    this.#disconnect(computer, 'This agent is being removed');
  }

  /** Forgets a computer without a node whose last build has ended. */
  tidy(computer: Computer): void {
    if (computer.node === null && computer.isIdle) this.#computers.delete(computer.name);
  }

  setOffline(computer: Computer, reason: string | null): void {
    computer.offlineReason = reason;
    this.#parts.changed(computer);
  }

  /** Exchanges the configuration; a connection and a running build go on. */
  replace(computer: Computer, node: JenkinsNode): void {
    computer.node = node;
    this.#nodes.set(node.name, node);
    if (!computer.isConnected) this.#launchLater(computer, 0);
    this.#parts.changed(computer);
  }

  /** All connections are lost and made anew, as at a restart of the master. */
  reconnectAll(): void {
    for (const computer of this.#computers.values()) {
      this.#disconnect(computer, null);
      if (computer.node) this.#launchLater(computer, this.#parts.chance.between(this.#parts.settings.connectMs));
    }
  }

  #launchLater(computer: Computer, delayMs: number): void {
    const { node } = computer;
    this.#parts.timers.after(delayMs, () => {
      if (computer.node === node && node !== null && !computer.isConnected) void this.#launch(computer, node);
    });
  }

  async #launch(computer: Computer, node: JenkinsNode): Promise<void> {
    const { machines, settings } = this.#parts;
    if (!node.launcher) return;
    const { host, port } = node.launcher;
    const trouble =
      this.#refusalOf(node.launcher) ?? ((await machines.canConnect(host, port)) ? null : 'Connection refused');
    if (computer.node !== node || computer.isConnected) return;
    const machine = machines.at(host);
    if (trouble !== null || !machine) {
      computer.disconnectReason = `This agent is offline because Jenkins failed to launch the agent process on it: ${trouble ?? ''}`;
      this.#launchLater(computer, settings.relaunchMs);
      return;
    }
    computer.isConnected = true;
    computer.disconnectReason = null;
    computer.machine = machine;
    machine.whenGone.add(() => {
      if (computer.machine === machine) this.#disconnect(computer, 'Connection was broken');
    });
    this.#parts.changed(computer);
  }

  #refusalOf(launcher: SshLauncher): string | null {
    if (launcher.credentialsId !== this.#parts.credentialsId) return 'Cannot find SSH credentials';
    if (launcher.hostKey !== null && launcher.hostKey !== this.#parts.hostKey) return 'Key exchange was not finished';
    return null;
  }

  #disconnect(computer: Computer, reason: string | null): void {
    computer.isConnected = false;
    computer.disconnectReason = reason;
    computer.machine = null;
    if (!computer.isIdle) this.#parts.killBuilds(computer);
    this.#parts.changed(computer);
  }
}
