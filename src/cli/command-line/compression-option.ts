import { Option } from 'commander';
import { COMPRESSION_MODES } from '../../contract/index.ts';

/** The option `--compression` of commands that connect to clusters. */
export function compressionOption(): Option {
  return new Option(
    '--compression <mode>',
    'Compress the connections to the clusters. auto (default): where a round trip takes more than 2 ms. off: never. zlib, zstd: always',
  ).choices(COMPRESSION_MODES);
}
