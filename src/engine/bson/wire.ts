import type { CompressionMode } from '../../contract/index.ts';
import { COMPRESSORS, type Compressor } from './compressed-message.ts';

/**
 * The longest round trip, in milliseconds, of a link on which compression costs more time than it saves: below it both ends are in one
 * data centre, whose network is faster than a processor compresses.
 */
const SHORT_TRIP_MS = 2;
/** Replies after which the fastest one tells the round trip. The first ones also take the time that both ends need to start. */
const REPLIES_TO_MEASURE = 10;

/** The bytes that the connections of one client have carried, and how they may compress them. */
export class Wire {
  readonly side: 'source' | 'destination';
  /** The compressors that a server may choose from, the best one first. */
  readonly offered: readonly Compressor[];
  /** Whether to compress whatever the round trip is. */
  readonly isForced: boolean;
  /** The compressor of the latest message with documents, or of a request for them; undefined if it wasn't compressed. */
  compressor: Compressor | undefined;
  /** Bytes that were sent and received, without those of TLS. */
  wireBytes = 0;
  /** The same bytes as they are without compression. */
  messageBytes = 0;

  constructor(side: Wire['side'], mode: CompressionMode) {
    this.side = side;
    this.offered = mode === 'auto' ? COMPRESSORS : COMPRESSORS.filter((one) => one === mode);
    this.isForced = mode !== 'auto';
  }

  count(wireBytes: number, messageBytes: number): void {
    this.wireBytes += wireBytes;
    this.messageBytes += messageBytes;
  }
}

/** The link to one server: how long its round trip is, and whether messages are compressed. */
export class Link {
  readonly wire: Wire;
  #replies = 0;
  #fastestMs = Number.POSITIVE_INFINITY;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** Notes the time from a request to its reply. No reply is faster than the round trip. */
  answered(ms: number): void {
    this.#replies += 1;
    this.#fastestMs = Math.min(this.#fastestMs, ms);
  }

  /**
   * Returns the compressor for the next message. A server compresses its reply as the request was.
   * @param agreed  the compressor that the server has chosen from those offered
   */
  compressorFor(agreed: string | undefined): Compressor | undefined {
    // rule: measured-distance
    const isLong = this.#replies >= REPLIES_TO_MEASURE && this.#fastestMs > SHORT_TRIP_MS;
    // rule: compress-long-links
    this.wire.compressor = this.wire.isForced || isLong ? COMPRESSORS.find((one) => one === agreed) : undefined;
    return this.wire.compressor;
  }
}
