import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createAuthority, withoutOpenssl } from '../support/certificates.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBrowser } from './browser.ts';
import { installConsole } from './installed-console.ts';

await installConsole();
const { browser, skip: noBrowser } = await startBrowser();
after(() => browser?.close());

test('over TLS, the cookie of a session is for this host and for TLS alone, and ends with the session', {
  skip: noBrowser || withoutOpenssl,
}, async () => {
  assert.ok(browser);
  using folder = temporaryFolder('console-tls');
  const { cert, key } = createAuthority().issue();
  const [certFile, keyFile] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  const tls = ['--tls-cert-file', certFile, '--tls-key-file', keyFile];
  const place = ['--listen', '127.0.0.1:0', '--data-dir', join(folder.path, 'data')];
  await using server = runLinkspan(['serve', ...place, ...tls, '--sign-in-link']);
  const [link = ''] = await server.waitForLine(/^(https:\/\/\S+)\/#\/link\/\S+$/);

  // The test's own authority signed the certificate.
  await using context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole('button', { name: 'Create project…' }).waitFor();
  const cookies = await context.cookies();
  assert.deepEqual(
    cookies.map(({ name, domain, path, secure, httpOnly, sameSite, expires }) => {
      return { name, domain, path, secure, httpOnly, sameSite, expires };
    }),
    [
      {
        name: '__Host-linkspan-session',
        domain: '127.0.0.1',
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'Strict',
        expires: -1,
      },
    ],
  );
  assert.equal(await page.evaluate('document.cookie'), '');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.deepEqual(await context.cookies(), []);
});
