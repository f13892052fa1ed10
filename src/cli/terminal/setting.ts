import { Option } from 'commander';

/** Makes an option that has a flag and an environment variable. */
export function setting(name: string, value: string, description: string): Option {
  const variable = `LINKSPAN_${name.replaceAll('-', '_').toUpperCase()}`;
  return new Option(`--${name} ${value}`, description).env(variable);
}

/** The option `--data-dir`. */
export const dataDirectory = () =>
  setting('data-dir', '<directory>', 'Directory of the store and the master key').default('./linkspan-data');

/** The option `--master-key-file`. */
export const masterKeyFile = () =>
  setting('master-key-file', '<file>', 'Key file that seals secrets; default: master.key in the data directory');
