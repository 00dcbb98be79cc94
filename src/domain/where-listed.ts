/** What an operator is told where something is not there: the command that shows what is. */
export const whereListed = {
  node: 'nodepool list shows the nodes that there are',
  image: 'nodepool image-list shows the images that were made, nodepool tree those of each provider',
  job: 'nodepool job-list shows the jobs that there are',
  provider: 'nodepool tree /providers shows those that there are',
  actor: 'nodepool tree lists them all',
} as const;
