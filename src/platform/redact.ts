/** The limit of 41 characters is longer than any registered scheme. Without a limit, the search would take quadratic time. */
const SCHEME = /[a-z][a-z0-9+.-]{0,40}:\/\//i;
const UNPARSED = ['Unable to parse ', ' with URL'] as const;

/**
 * `text` without the credentials of connection strings and other URLs in it. The driver quotes a connection string that it cannot
 * parse, so every text from outside passes through here before it is shown. The driver also quotes an invalid host, which is user and
 * password when the `@` is missing. The time is linear in the text's length, because a server may send an error of 48 MB.
 */
export function redact(text: string): string {
  return withoutUnparsed(text.replace(/[^\s"'`]+/g, withoutCredentials));
}

/** Removes everything between the first scheme of a word and its last `@`: any of it may be a password. */
function withoutCredentials(word: string): string {
  const last = word.lastIndexOf('@');
  const found = last < 0 ? null : SCHEME.exec(word);
  if (found === null) return word;
  const begin = found.index + found[0].length;
  return begin > last ? word : `${word.slice(0, begin)}***${word.slice(last)}`;
}

function withoutUnparsed(text: string): string {
  const [before, after] = UNPARSED;
  const begin = text.indexOf(before);
  const end = text.lastIndexOf(after);
  if (begin < 0 || end < begin + before.length) return text;
  return `${text.slice(0, begin)}a host in it is not a name or address with an optional port${text.slice(end + after.length)}`;
}
