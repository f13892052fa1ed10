/**
 * A BSON value that keeps its bytes in a command. The driver has no way of its own to send raw bytes inside a command.
 *
 * It presents itself to the `bson` package as an ObjectId, the one type whose value writes itself into the output
 * buffer. After it has written its bytes, it corrects the type byte before the name. This relies on an internal of
 * `bson`, so the version is pinned, and `test/engine/bson/raw-value.test.ts` is its contract test.
 */
export class RawValue {
  readonly type: number;
  readonly bytes: Buffer;
  readonly _bsontype = 'ObjectId';

  /**
   * @param type   BSON element type
   * @param bytes  the value as in a document, without type and name
   */
  constructor(type: number, bytes: Buffer) {
    this.type = type;
    this.bytes = bytes;
  }

  get [Symbol.for('@@mdb.bson.type')](): string {
    return this._bsontype;
  }

  get [Symbol.for('@@mdb.bson.version')](): number {
    return 7;
  }

  /**
   * Called by `bson`, which has just written the type byte 0x07, the name and its NUL.
   * @returns the number of bytes written
   */
  serializeInto(buffer: Uint8Array, index: number): number {
    // The engine chooses the names (ASCII), so the nearest 0x07 before the value is the type byte.
    buffer[buffer.lastIndexOf(OBJECT_ID_TYPE, index - 2)] = this.type;
    buffer.set(this.bytes, index);
    return this.bytes.length;
  }
}

const OBJECT_ID_TYPE = 0x07;
