import { Command } from 'commander';
import { metricsOptions } from '../command-line/metrics-options.ts';
import { reporting } from '../command-line/reporting.ts';
import { logFormat } from '../terminal/index.ts';
import { dataDirectory, masterKeyFile, setting } from '../terminal/setting.ts';
import type { ServeOptions } from './serve-settings.ts';

/** `linkspan serve`: runs the control plane. The server loads when it runs, so that the help starts fast. */
export function serveCommand(): Command {
  const [metricsListen, metricsTokenFile] = metricsOptions();
  return new Command('serve')
    .description(
      'Run the control plane: the Atlas Administration API, the console and the gateway for agents. ' +
        'The first start creates an organization and an API key, and prints them once, with the request that creates a link-token.',
    )
    .addOption(setting('listen', '<host:port>', 'Address to listen on').default('127.0.0.1:8080'))
    .addOption(dataDirectory())
    .addOption(setting('public-url', '<url>', 'URL at which agents reach this server; default: the listening address'))
    .addOption(setting('tls-cert-file', '<file>', 'Certificate chain, PEM'))
    .addOption(setting('tls-key-file', '<file>', 'Private key of the certificate, PEM'))
    .addOption(setting('tls-pin', '<which>', 'Pin in link-tokens, for a private CA: key, ca or none').default('none'))
    .addOption(
      setting('link-token-hours', '<hours>', 'Lifetime of an unredeemed link-token in hours, or never').default('24'),
    )
    .addOption(masterKeyFile())
    .addOption(setting('bootstrap-org-id', '<id>', 'Organization id that the first start creates'))
    .addOption(setting('bootstrap-public-key', '<key>', 'Public key that the first start creates'))
    .addOption(setting('bootstrap-private-key', '<key>', 'Private key that the first start creates'))
    .addOption(setting('bootstrap-private-key-file', '<file>', 'File with that private key, in place of the key'))
    .addOption(
      setting('bootstrap-access-list', '<addresses>', 'Addresses that may use the first key and account; default: any'),
    )
    .addOption(setting('bootstrap-client-id', '<id>', 'Client id of a service account; created if missing'))
    .addOption(setting('bootstrap-client-secret', '<secret>', 'Secret of that service account'))
    .addOption(setting('bootstrap-client-secret-file', '<file>', 'File with that secret, in place of the secret'))
    .addOption(setting('plain-http', '<where>', 'Where to serve plain HTTP: loopback or anywhere').default('loopback'))
    .addOption(
      setting('trusted-proxies', '<addresses>', 'Proxies whose X-Forwarded-For header is trusted; default: none'),
    )
    .addOption(
      setting('digest-algorithms', '<list>', 'Algorithms of HTTP digest: MD5, SHA-256 or SHA-256,MD5').default('MD5'),
    )
    .addOption(setting('rate-limits', '<which>', "Rate limits: Atlas's (atlas) or none (off)").default('atlas'))
    .addOption(setting('max-connections', '<number>', 'Maximum open connections, or off').default('10000'))
    .addOption(
      setting(
        'max-connections-per-address',
        '<number>',
        'Maximum open connections of one client address, or requests behind a trusted proxy; or off',
      ).default('1000'),
    )
    .addOption(
      setting(
        'failed-attempts-per-minute',
        '<number>',
        'Failed authentications of one client address in a minute before it gets status 429, or off',
      ).default('60'),
    )
    .addOption(
      setting(
        'check-destinations',
        '<how>',
        'Check of a destination when it is registered: connect to it, or only check the form of its connection string',
      ).default('connect'),
    )
    .addOption(
      setting(
        'allowed-destinations',
        '<hosts>',
        'Host names, addresses and blocks that this server may connect to; default: all except cloud metadata services',
      ),
    )
    .addOption(
      setting(
        'destination-users',
        '<which>',
        'User that agents write as: one for each migration, if the registered user may create users, or always the registered user (fixed)',
      ).default('migration'),
    )
    .addOption(
      setting(
        'watch-source-minutes',
        '<number>',
        'Watch a blocked source for writes after the commit, 0 to not watch it',
      ).default('60'),
    )
    .addOption(
      setting('hooks-file', '<file>', 'YAML file with commands and webhooks that receive events of migrations'),
    )
    .option('--sign-in-link', 'Print a link that signs in to the console as an owner, once, within 10 minutes')
    .addOption(metricsListen)
    .addOption(metricsTokenFile)
    .addOption(logFormat())
    .action(async (options: ServeOptions) => {
      const { serve } = await import('./serve.ts');
      process.exitCode = await serve(options);
    })
    .commandsGroup('Core commands:')
    .addCommand(
      reporting<ServeOptions>(
        new Command('check')
          .summary('Check settings, master key and store for security (read-only)')
          .description('Check settings, master key and store for security. It changes nothing.'),
        async (options, check) => (await import('./serve.ts')).check(options, check),
      ),
    );
}
