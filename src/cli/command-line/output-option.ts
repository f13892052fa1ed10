import { Option } from 'commander';

/** The flag `--output`, by default `text`. */
export const outputOption = () =>
  new Option('-o, --output <format>', 'Output format: text for people, json for programs')
    .choices(['text', 'json'])
    .default('text');
