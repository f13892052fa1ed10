import { Option } from 'commander';

/** The flag `--profile` of the commands of the API. */
export const profileOption = () =>
  new Option('--profile <name>', 'Profile of profiles.yaml to use').env('LINKSPAN_PROFILE').default('default');
