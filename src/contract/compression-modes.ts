/** The values of `compression`, in a file that commands can load without a schema library. */
export const COMPRESSION_MODES = ['auto', 'off', 'zlib', 'zstd'] as const;
