import { type IncomingHttpHeaders, request } from 'node:http';

export interface PlainAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface PlainRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request over a new connection. @param address  the client's address, one of this machine (127.0.0.0/8) */
export function requestFrom(address: string, url: string, options: PlainRequest = {}): Promise<PlainAnswer> {
  const { method = 'GET', headers, body } = options;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, localAddress: address, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      answer.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
