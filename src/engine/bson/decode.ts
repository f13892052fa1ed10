import { BSON } from 'mongodb';

/**
 * Returns a server's document as an object. Regular expressions stay text: PCRE has forms that JavaScript refuses, such
 * as `(?i)`.
 * @throws BSON.BSONError when the bytes aren't a document
 */
export function decode(bytes: Uint8Array, options: BSON.DeserializeOptions = {}): BSON.Document {
  return BSON.deserialize(bytes, { bsonRegExp: true, ...options });
}
