export type Phase = 'STARTED' | 'COMPLETED' | 'FINISHED';

/** A build's event before it is written. What is undefined is left out of the frame. */
export interface BuildEvent {
  readonly job: string;
  readonly fullUrl: string | undefined;
  readonly number: number;
  readonly phase: Phase;
  readonly status: string | undefined;
  readonly parameters: Readonly<Record<string, string>> | undefined;
  readonly nodeName: string | undefined;
  readonly nodeDescription: string | undefined;
  readonly hostName: string | undefined;
}

const topics = { STARTED: 'onStarted', COMPLETED: 'onCompleted', FINISHED: 'onFinalized' } as const;

/** What Gson escapes besides what JSON demands; none of these characters is part of JSON's own syntax. */
const gsonEscapes = /[<>&='\u007f-\u009f\u2028\u2029]/g;

/** One frame as the ZMQ event publisher plugin sends it: topic, one space, JSON in the plugin's order of fields. */
export function eventFrame(event: BuildEvent): string {
  const jobUrl = `job/${event.job}/`;
  const text = JSON.stringify({
    name: event.job,
    url: jobUrl,
    build: {
      full_url: event.fullUrl,
      number: event.number,
      phase: event.phase,
      status: event.status,
      url: `${jobUrl}${event.number}/`,
      parameters: event.parameters && sorted(event.parameters),
      node_name: event.nodeName,
      node_description: event.nodeDescription,
      host_name: event.hostName,
    },
  });
  return `${topics[event.phase]} ${text.replace(gsonEscapes, escaped)}`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The plugin keeps parameters in a map that ignores case. */
function sorted(parameters: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.keys(parameters).sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  return Object.fromEntries(names.map(name => [name, parameters[name] ?? '']));
}
