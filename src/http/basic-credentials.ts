/**
 * Reads an `Authorization: Basic` header.
 * @returns empty texts where there is none. RFC 6749 §2.3.1: both parts are form-encoded before they become Basic credentials
 */
export function basicCredentials(header = ''): [name: string, secret: string] {
  const [, encoded = ''] = /^basic\s+([A-Za-z0-9+/=]+)$/i.exec(header) ?? [];
  const [name = '', ...secret] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return [formDecode(name), formDecode(secret.join(':'))];
}

/** Decodes a form value. Invalid encoding stands for itself: clients that don't encode send secrets that need no encoding. */
function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
