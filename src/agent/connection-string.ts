/** The parts of a connection string, each as it is written there. */
export interface ConnectionStringParts {
  /** With `://`. */
  readonly scheme: string;
  /** With `@`; empty where there are none. */
  readonly credentials: string;
  readonly hosts: string;
  /** With the `/`. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Takes a connection string apart. That it is one is for others to check. */
export function splitConnectionString(uri: string): ConnectionStringParts {
  const match = /^([a-z+]+:\/\/)([^/?]*@)?([^/?]*)(\/[^?]*)?(?:\?(.*))?$/s.exec(uri);
  const [, scheme = '', credentials = '', hosts = '', path = '/', query = ''] = match ?? [];
  return { scheme, credentials, hosts, path, query: new URLSearchParams(query) };
}
