import { BSON_TYPE, elementsOf } from './elements.ts';

/** Digits of the largest integer that a double can hold. */
const MOST_DIGITS_OF_DOUBLE = 309;
const LARGEST_COEFFICIENT = 10n ** 34n - 1n;
const EXPONENT_BIAS = 6176;
/** 5^48 has 34 digits, as many as the longest coefficient. */
const MOST_BINARY_PLACES = 48;

/**
 * Returns a text that is equal for two values exactly when a server treats them as equal in a unique index with the
 * simple collation. Numbers compare by value, whatever their type; a symbol as the string of the same text; documents,
 * arrays and scopes of code by their content; everything else by its bytes. `test/engine/bson/key-identity.test.ts`
 * compares this with a server.
 */
export function identityOf(type: number, bytes: Buffer): string {
  switch (type) {
    case BSON_TYPE.int32:
      return ofInteger(String(bytes.readInt32LE(0)));
    // rule: one-identity-for-numbers
    case BSON_TYPE.int64:
      return ofInt64(bytes);
    case BSON_TYPE.double:
      return ofDouble(bytes.readDoubleLE(0));
    case BSON_TYPE.decimal128:
      return ofDecimal(bytes);
    // rule: one-identity-for-symbols
    case BSON_TYPE.symbol:
      return ofBytes(BSON_TYPE.string, bytes);
    case BSON_TYPE.document:
    case BSON_TYPE.array:
      // rule: one-identity-for-nested-numbers
      return ofElements(type, bytes);
    case BSON_TYPE.codeWithScope: {
      const codeEnd = 8 + bytes.readInt32LE(4);
      return ofBytes(type, bytes.subarray(4, codeEnd)) + ofElements(BSON_TYPE.document, bytes.subarray(codeEnd));
    }
    default:
      return ofBytes(type, bytes);
  }
}

function ofBytes(type: number, bytes: Buffer): string {
  return String.fromCharCode(type) + bytes.toString('latin1');
}

/**
 * Each part begins with its length, so that two different lists of elements never give the same text. Servers ignore
 * the names in an array.
 */
function ofElements(type: number, bytes: Buffer): string {
  let identity = String.fromCharCode(type);
  for (const { type: inner, name, valueStart, valueEnd } of elementsOf(bytes)) {
    const value = identityOf(inner, bytes.subarray(valueStart, valueEnd));
    identity += type === BSON_TYPE.array ? `${value.length}:${value}` : `${name}\0${value.length}:${value}`;
  }
  return identity;
}

/** Integers of all types have their digits as identity. */
function ofInteger(digits: string): string {
  return String.fromCharCode(BSON_TYPE.int64) + digits;
}

function ofInt64(bytes: Buffer): string {
  const number = bytes.readInt32LE(4) * 2 ** 32 + bytes.readUInt32LE(0);
  return ofInteger(Number.isSafeInteger(number) ? String(number) : bytes.readBigInt64LE(0).toString());
}

/** A fraction has as identity the shortest text that gives the same double. */
function ofDouble(number: number): string {
  if (Number.isSafeInteger(number)) return ofInteger(String(number)); // "0" also for -0.
  if (Number.isInteger(number)) return ofInteger(BigInt(number).toString());
  return String.fromCharCode(BSON_TYPE.double) + String(number);
}

/**
 * A decimal that another type can hold has that type's identity. Any other has its shortest coefficient and its
 * exponent.
 */
function ofDecimal(bytes: Buffer): string {
  const { negative, special, coefficient, exponent } = readDecimal(bytes);
  if (special !== undefined) return ofDouble(negative && special > 0 ? -special : special);
  if (coefficient === 0n) return ofInteger('0');
  let shortest = coefficient;
  let power = exponent;
  for (; shortest % 10n === 0n; shortest /= 10n) power += 1;
  const sign = negative ? '-' : '';
  const digits = shortest.toString();
  if (power >= 0 && digits.length + power <= MOST_DIGITS_OF_DOUBLE) return ofInteger(sign + digits + '0'.repeat(power));
  // rule: exact-decimals
  const double = power < 0 ? fractionAsDouble(shortest, -power) : undefined;
  if (double !== undefined) return ofDouble(negative ? -double : double);
  return `${String.fromCharCode(BSON_TYPE.decimal128)}${sign}${digits}E${power}`;
}

/**
 * Returns `coefficient / 10 ** places` when a double holds exactly that.
 * @param coefficient  not divisible by 10
 */
function fractionAsDouble(coefficient: bigint, places: number): number | undefined {
  if (places > MOST_BINARY_PLACES) return undefined;
  const divisor = 5n ** BigInt(places);
  if (coefficient % divisor !== 0n) return undefined;
  const numerator = coefficient / divisor;
  return BigInt(Number(numerator)) === numerator ? Number(numerator) / 2 ** places : undefined;
}

interface Decimal {
  readonly negative: boolean;
  /** NaN or Infinity. */
  readonly special?: number;
  readonly coefficient: bigint;
  readonly exponent: number;
}

/** IEEE 754-2008, binary encoding. A coefficient that is too large counts as zero. */
function readDecimal(bytes: Buffer): Decimal {
  const high = bytes.readBigUInt64LE(8);
  const negative = high >> 63n === 1n;
  const combination = (high >> 58n) & 0x1fn;
  if (combination >= 0x1en)
    return {
      negative,
      special: combination === 0x1en ? Number.POSITIVE_INFINITY : Number.NaN,
      coefficient: 0n,
      exponent: 0,
    };
  if (combination >= 0x18n) return { negative, coefficient: 0n, exponent: 0 };
  const coefficient = ((high & 0x1_ffff_ffff_ffffn) << 64n) | bytes.readBigUInt64LE(0);
  const exponent = Number((high >> 49n) & 0x3fffn) - EXPONENT_BIAS;
  return { negative, coefficient: coefficient > LARGEST_COEFFICIENT ? 0n : coefficient, exponent };
}
