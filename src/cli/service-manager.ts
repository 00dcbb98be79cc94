/**
 * What systemd is told of a service of `Type=notify`: that it is ready, that it stops, and again and again that it
 * lives. Node.js has no datagrams on Unix sockets; `systemd-notify`, which is where systemd is, sends them.
 */

export interface ServiceManager {
  ready(): void;
  stopping(): void;
  /** Says so as often as systemd wants to hear it, while `isAlive` resolves with true. */
  watch(isAlive: () => Promise<boolean>): void;
  close(): void;
}

export interface NotifySurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Runs `systemd-notify` with these assignments. Never throws. */
  readonly notify: (socket: string, assignments: readonly string[]) => void;
  /** Calls again and again until the returned function is called. */
  readonly every: (ms: number, work: () => void) => () => void;
}

/** systemd advises to be twice as often as it asks for; a third leaves room for one that comes late. */
const pingsPerTimeout = 3;

/** Does nothing where systemd has not started us. */
export function openServiceManager({ env, pid, notify, every }: NotifySurroundings): ServiceManager {
  const socket = env['NOTIFY_SOCKET'] ?? '';
  const say = (...assignments: string[]): void => {
    if (socket !== '') notify(socket, assignments);
  };
  let stopWatch = (): void => undefined;
  return {
    ready: () => say('READY=1', 'STATUS=ready'),
    stopping: () => say('STOPPING=1', 'STATUS=stopping; launches go on after the next start'),
    watch(isAlive) {
      const timeoutMs = watchdogMs(env, pid);
      if (timeoutMs === null) return;
      const ping = (): void => void isAlive().then(isSo => isSo && say('WATCHDOG=1'));
      ping();
      stopWatch = every(timeoutMs / pingsPerTimeout, ping);
    },
    close: () => stopWatch(),
  };
}

function watchdogMs(env: NotifySurroundings['env'], pid: number): number | null {
  const wanted = Number(env['WATCHDOG_USEC'] ?? '');
  const isOurs = (env['WATCHDOG_PID'] ?? String(pid)) === String(pid);
  return isOurs && Number.isFinite(wanted) && wanted > 0 ? wanted / 1000 : null;
}
