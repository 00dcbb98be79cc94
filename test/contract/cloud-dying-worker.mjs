/** A worker that does what a test tells it by the name of a server: ends, fails, or answers. */
export function serve({ call, wire }) {
  switch (call.args[0]) {
    case 'exit':
      process.exit(7);
      break;
    case 'memory': {
      const held = [];
      for (;;) held.push(new Array(1_000_000).fill(held.length));
    }
    case 'bug':
      throw new TypeError('x is not a function');
    case 'abort':
      return new Promise(resolve => wire.once('message', () => resolve({ ok: true, value: 'heard' })));
    case 'wait':
      return new Promise(resolve => setTimeout(() => resolve({ ok: true, value: 'waited' }), 200));
    default:
      return { ok: true, value: null };
  }
}
