/** Asks for an access token of a service account. @param credentials  client id and secret, joined by a colon */
export function requestAccessToken(url: string, credentials: string): Promise<Response> {
  return fetch(`${url}/api/oauth/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  });
}
