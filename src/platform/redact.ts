/**
 * `text` without the credentials of the connection strings and other URLs in it. The driver quotes a connection string that it cannot
 * parse, so whatever comes from outside passes here before anybody reads it. It also quotes a host that is none, and where the `@` was
 * forgotten that "host" is user and password.
 */
export function redact(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s"'`]*@/gi, '$1***@')
    .replace(/Unable to parse .* with URL/gs, 'a host in it is not a name or address with an optional port');
}
