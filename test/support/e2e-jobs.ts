/** Jobs queued in a Gearman server as a stranger queues them: by the `gearman` package of npm. */
import { createRequire } from 'node:module';

export interface JobQueue {
  /** Queues jobs under a function such as `build:JOB:LABEL`; they run for so long on the world's machines. */
  submit(functionName: string, options: { readonly durationMs: number; readonly count?: number }): void;
  /** Jobs whose completion the server has reported. */
  completed(): number;
  /** The server forgets the jobs that wait. */
  close(): void;
}

/** What is used of the package, which has no types of its own. */
interface GearmanClient {
  connect(connected: () => void): void;
  on(event: 'WORK_COMPLETE' | 'error', listener: (what: unknown) => void): void;
  submitJob(functionName: string, payload: string): void;
  close(): void;
}

const openClient = createRequire(import.meta.url)('gearman') as (host: string, port: number) => GearmanClient;

export async function openJobQueue({ host, port }: { host: string; port: number }): Promise<JobQueue> {
  const client = openClient(host, port);
  let completed = 0;
  client.on('WORK_COMPLETE', () => completed++);
  await new Promise<void>((resolve, reject) => {
    client.on('error', reject);
    client.connect(resolve);
  });
  return {
    submit: (functionName, { durationMs, count = 1 }) => {
      const payload = JSON.stringify({ SIM_DURATION_MS: String(durationMs) });
      for (let n = 0; n < count; n++) client.submitJob(functionName, payload);
    },
    completed: () => completed,
    close: () => client.close(),
  };
}
