import { parseArgs } from 'node:util';
import { Router } from './router.ts';
import { systemLogin } from './system-login.ts';

/** The log line that `MongodProcess` waits for, as servers write it. */
const LISTENING = { id: 23016, msg: 'Waiting for connections' };

/** Runs the stand-in as a process, with the arguments of a `mongos`. */
const { values } = parseArgs({
  options: {
    bind_ip: { type: 'string' },
    configdb: { type: 'string', default: '' },
    keyFile: { type: 'string' },
    nounixsocket: { type: 'boolean' },
    port: { type: 'string' },
  },
});
const configPort = Number(values.configdb.slice(values.configdb.lastIndexOf(':') + 1));
const login = values.keyFile === undefined ? undefined : systemLogin(values.keyFile);
await Router.start({ configPort, login, port: Number(values.port) });
console.log(JSON.stringify(LISTENING));
