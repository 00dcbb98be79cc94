/** What the help of each command ends with: command lines as somebody would type them. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  list: ['list', 'list -o wide', 'list -o json'],
  'image-list': ['image-list', 'image-list -o wide'],
  'alien-list': ['alien-list', 'alien-list rax-dfw -o wide'],
  'alien-image-list': ['alien-image-list', 'alien-image-list rax-dfw'],
  'image-update': ['image-update rax-dfw trusty', 'image-update rax-dfw trusty --no-wait'],
  'image-delete': ['image-delete 3'],
  'image-pause': ['image-pause rax-dfw trusty'],
  'image-resume': ['image-resume rax-dfw trusty'],
  hold: ['hold 17 --reason "disk full, see bug 12" --for 2d'],
  release: ['release 17'],
  delete: ['delete 17', 'delete 17 --now'],
  'job-list': ['job-list'],
  'job-create': ['job-create gate-nova --hold-on-failure 2'],
  'job-delete': ['job-delete 1'],
  tree: ['tree', 'tree /providers/rax-dfw', 'tree --watch'],
  inspect: ['inspect /providers/rax-dfw/cloud'],
  top: ['top', 'top -o json'],
  restart: ['restart /providers/rax-dfw/images/trusty'],
  explain: ['explain', 'explain label trusty --since 1h', 'explain node 17'],
  plan: ['plan --demand trusty=10', 'plan --file next.yaml --exit-code', 'plan --empty -c nodepool.yaml'],
  tune: ['tune rax-dfw launches=10 rate=0.5'],
  reload: ['reload'],
  'config-validate': ['config-validate -c nodepool.yaml'],
  doctor: ['doctor', 'doctor -c nodepool.yaml'],
  watch: ['watch', 'watch -o json'],
  wait: ['wait --ready trusty=3 --timeout 10m', 'wait node 17 --for ready', 'wait image rax-dfw trusty'],
  demo: ['demo', 'demo --jobs 20 --exit'],
  rehearse: ['rehearse -c nodepool.yaml --jobs 100 --speed 10 --fault cloud-down --html report.html'],
  version: ['version'],
  completion: ['completion bash'],
};

export function examplesText(name: string): string {
  const lines = examples[name] ?? [];
  return ['', lines.length === 1 ? 'Example:' : 'Examples:', ...lines.map(line => `  nodepool ${line}`)].join('\n');
}
