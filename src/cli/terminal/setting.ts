import { Option } from 'commander';

/** An option that is a flag and an environment variable. */
export function setting(name: string, value: string, description: string): Option {
  const variable = `LINKSPAN_${name.replaceAll('-', '_').toUpperCase()}`;
  return new Option(`--${name} ${value}`, description).env(variable);
}

/** Where the control plane keeps everything. */
export const dataDirectory = () =>
  setting('data-dir', '<directory>', 'where everything is kept').default('./linkspan-data');

/** The key that seals secrets in there. */
export const masterKeyFile = () =>
  setting('master-key-file', '<file>', 'key that seals secrets; default: master.key in the data directory');
