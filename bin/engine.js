'use strict';
const { setFlagsFromString } = require('node:v8');

// Node.js reads it when it first wants such a thread, which a module of the newer kind does before its first line. Half
// of them may look up names at once: a name server that does not answer keeps one busy for some ten seconds.
process.env.UV_THREADPOOL_SIZE ??= '64';

// A fill of a pool that has just begun paid a third of its processor time for compiling what it ran (ADR 10).
setFlagsFromString('--interrupt-budget=400000');
