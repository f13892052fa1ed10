import { z } from 'zod';
import { COMPRESSION_MODES } from './compression-modes.ts';
import { count } from './primitives.ts';

/** When the messages of a connection are compressed. */
export const compressionMode = z.enum(COMPRESSION_MODES).meta({
  description:
    'Compression of the connections to both clusters. auto (default): where a round trip takes more than 2 ms. off: never. zlib, zstd: always, by this compressor.',
});
export type CompressionMode = z.output<typeof compressionMode>;

const compressed = z.object({
  compressor: z.enum(['zstd', 'zlib']),
  wireBytes: count.meta({ description: 'Bytes sent and received since it connected, without those of TLS.' }),
  messageBytes: count.meta({ description: 'The same bytes as they are without compression.' }),
});

/** The clusters to which messages are compressed now. */
export const compression = z.object({ source: compressed.optional(), destination: compressed.optional() });
export type Compression = z.output<typeof compression>;
