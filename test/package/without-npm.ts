import { delimiter } from 'node:path';

/** This process's environment without the variables of npm and its scripts, so that npm runs on the machine's own Node.js. */
export function withoutNpm(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$/i.test(name));
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return { ...Object.fromEntries(entries), PATH: path.join(delimiter) };
}
