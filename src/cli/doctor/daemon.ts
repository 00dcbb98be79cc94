/** What a running daemon knows of everything that it depends on: it asks all day, so that nothing is asked again. */
import { nextOf } from '../../domain/fault.js';
import type { ReadinessView } from '../../ports/control.js';
import { fine, finding, type Check } from './check.js';

export function checksOf({ ready, dependencies }: ReadinessView): readonly Check[] {
  const summary = ready
    ? fine('daemon', 'nodepoold', 'runs, and is ready')
    : finding('daemon', 'nodepoold', 'runs, but is not ready', 'see the findings below');
  return [
    summary,
    ...dependencies.map(({ name, ok, reason, ageSeconds }) => {
      const [kind, next] = kindOf(name);
      if (ok) return fine(kind, name, 'well');
      const why = reason ?? 'not well';
      // What an operator has asked for is no finding.
      if (/^tuned until the next reload: [^;]*$/.test(why))
        return fine(kind, name, `${why}; nodepool reload ends that`);
      return finding(kind, name, `${why} (for ${ageSeconds} s)`, nextOf(why) ?? next);
    }),
  ];
}

/** By the path of the actor that keeps it. */
function kindOf(name: string): readonly [Check['kind'], string] {
  const inspect = `nodepool inspect /${name}`;
  if (name === 'store') return ['database', 'check dburi and that the database server runs'];
  if (name === 'stats') return ['daemon', 'check STATSD_HOST and STATSD_PORT in the environment of nodepoold'];
  if (name === 'config') return ['configuration', 'nodepool config-validate names each error at its line'];
  if (name.startsWith('targets/')) return ['master', `check url, user and apikey of the target; ${inspect}`];
  if (name.startsWith('events/'))
    return ['publisher', 'check zmq-publishers, and that the ZMQ plugin of the master runs'];
  if (name.startsWith('demand/')) return ['gearman', 'check gearman-servers and that Zuul runs'];
  if (name.includes('/images/')) return ['image', `nodepool image-list; ${inspect}`];
  if (name.startsWith('providers/'))
    return ['cloud', `nodepool explain provider ${name.split('/')[1] ?? ''}; ${inspect}`];
  return ['daemon', inspect];
}
