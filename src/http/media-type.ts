import { UserError } from '../platform/index.ts';

/** A client that takes every type, such as one that was generated from the API's description. */
const ANY = /(^|,)\s*(\*|application)\/\*\s*(;|,|$)/i;
const VERSIONED = /application\/vnd\.atlas\.([^\s;,+]+)\+json/i;

/** The content type of a resource's version. */
export function versionedMediaType(version: string): string {
  return `application/vnd.atlas.${version}+json`;
}

/**
 * The version that answers a request: the newest of `versions` (ascending dates) that is not newer than the requested date.
 * @param accept  the request's Accept header. One without a version that takes every type gets the newest version
 * @throws UserError NOT_ACCEPTABLE, INVALID_VERSION_DATE
 */
export function negotiateVersion(versions: readonly string[], accept: string | undefined): string {
  const oldest = versions[0] ?? '';
  const wanted = VERSIONED.exec(accept ?? '')?.[1];
  if (wanted === undefined && ANY.test(accept ?? '')) return versions.at(-1) ?? '';
  if (wanted === undefined || wanted.toLowerCase() === 'preview') {
    throw new UserError('NOT_ACCEPTABLE', [oldest, accept?.slice(0, 100) || 'none']);
  }
  assertDate(wanted);
  const served = versions.findLast((version) => version <= wanted);
  if (served === undefined) throw new UserError('NOT_ACCEPTABLE', [oldest, wanted]);
  return served;
}

/**
 * Checks that a body is JSON by its Content-Type, plain or versioned.
 * @returns the version that the type names, by the rule of {@link negotiateVersion}; undefined when it names none
 * @throws UserError UNSUPPORTED_MEDIA_TYPE, INVALID_VERSION_DATE, NOT_ACCEPTABLE
 */
export function bodyVersion(versions: readonly string[], contentType: string | undefined): string | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/json') return undefined;
  if (!VERSIONED.test(type)) throw new UserError('UNSUPPORTED_MEDIA_TYPE', [type.slice(0, 100) || '(none)']);
  return negotiateVersion(versions, type);
}

function assertDate(text: string): void {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  // Date.UTC moves an invalid day into the next month. Numbers, because parsing a date's text takes ten times as long.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const isDate = date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day);
  if (!isDate) throw new UserError('INVALID_VERSION_DATE', [text.slice(0, 40)]);
}
