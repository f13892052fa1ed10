/**
 * `text` without the credentials of the connection strings and other URLs in it. The driver quotes a connection string that it cannot
 * parse, so whatever comes from outside passes here before anybody reads it.
 */
export function redact(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s"'`]*@/gi, '$1***@');
}
