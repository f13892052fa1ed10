/** The parts of a connection string, unchanged. */
export interface ConnectionStringParts {
  /** The scheme, including `://`. */
  readonly scheme: string;
  /** User and password, including `@`; empty if there are none. */
  readonly credentials: string;
  readonly hosts: string;
  /** The path, including `/`. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Splits a connection string into its parts. Does not validate it. */
export function splitConnectionString(uri: string): ConnectionStringParts {
  const match = /^([a-z+]+:\/\/)([^/?]*@)?([^/?]*)(\/[^?]*)?(?:\?(.*))?$/s.exec(uri);
  const [, scheme = '', credentials = '', hosts = '', path = '/', query = ''] = match ?? [];
  return { scheme, credentials, hosts, path, query: new URLSearchParams(query) };
}
