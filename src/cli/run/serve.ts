import { once } from 'node:events';
import { join } from 'node:path';
import { Command } from 'commander';
import { registerAtlasApi } from '../../atlas-api/index.ts';
import {
  AgentSignals,
  Alarm,
  assertMasterKey,
  beginAuditMacs,
  beginHooks,
  bootstrap,
  type Control,
  keepAnnouncing,
  keepDestinationUsers,
  keepExpiring,
  keepHooks,
  loadMasterKeys,
  reseal,
  Sealer,
  SecurityEvents,
  ServerKeys,
  SignInLinks,
  settleRestore,
  withAuditMacs,
} from '../../control/index.ts';
import { checkConnectionString, createDialler } from '../../destination/index.ts';
import { registerGateway } from '../../gateway/index.ts';
import { DEFAULT_WAITING_MS, placeOf } from '../../hooks/index.ts';
import { createServer, digestSecrets, FailedAttempts, isOnAccessList } from '../../http/index.ts';
import { dialAsOwn, guardDialling, systemClock } from '../../platform/index.ts';
import { openSqliteStore } from '../../store/sqlite/index.ts';
import { serveConsole } from '../command-line/console.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { metricsOptions, serveMetrics } from '../command-line/metrics.ts';
import { catchSignals } from '../command-line/signals.ts';
import { logFormat, openLog, tell, writeCheck } from '../terminal/index.ts';
import { dataDirectory, masterKeyFile, setting } from '../terminal/setting.ts';
import { listen } from './serve-address.ts';
import { followCertificate, pinOf, type TlsFiles } from './serve-certificate.ts';
import { checkServe } from './serve-check.ts';
import { followMasterKey } from './serve-master-key.ts';
import { serveNotReady, serveSamples } from './serve-metrics.ts';
import { warnOfRestores } from './serve-restored.ts';
import { readServeSettings, type ServeOptions } from './serve-settings.ts';
import { signInText, welcome } from './serve-welcome.ts';

/** `linkspan serve`: runs the control plane. Only this file composes a server. */
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
    .addOption(
      setting('bootstrap-access-list', '<addresses>', 'Addresses that may use the first key and account; default: any'),
    )
    .addOption(setting('bootstrap-client-id', '<id>', 'Client id of a service account; created if missing'))
    .addOption(setting('bootstrap-client-secret', '<secret>', 'Secret of that service account'))
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
      process.exitCode = await serve(options);
    })
    .commandsGroup('Core commands:')
    .addCommand(
      new Command('check')
        .summary('Check settings, master key and store for security (read-only)')
        .description('Check settings, master key and store for security. It changes nothing.')
        .action(async (_options, command: Command) => {
          process.exitCode = await check(command.optsWithGlobals<ServeOptions>());
        }),
    );
}

async function check(options: ServeOptions): Promise<ExitCode> {
  const { dataDir, masterKeyFile: keyFile = join(dataDir, 'master.key') } = options;
  const findings = await checkServe(readServeSettings(options), { dataDir, keyFile });
  for (const { level, subject, message } of findings) writeCheck(level, subject, message);
  return findings.some(({ level }) => level === 'failed') ? exitCode.usageOrPrecondition : exitCode.done;
}

async function serve(options: ServeOptions): Promise<ExitCode> {
  using signals = catchSignals();
  // Files that this process creates are readable by its user only.
  process.umask(0o077);
  const settings = readServeSettings(options);
  delete process.env.LINKSPAN_BOOTSTRAP_PRIVATE_KEY;
  delete process.env.LINKSPAN_BOOTSTRAP_CLIENT_SECRET;
  const logger = await openLog({ format: options.logFormat });

  await using opened = openSqliteStore(options.dataDir, (error) => {
    logger.fatal({ code: error.code, reason: error.message }, 'the disk failed: the server stops');
    // Requests that fail with this error get their answers first.
    setTimeout(() => process.exit(exitCode.failed), 1000);
  });
  const keyFile = options.masterKeyFile ?? join(options.dataDir, 'master.key');
  const masterKeys = loadMasterKeys(keyFile, (await opened.organizations()).length === 0);
  const sealer = new Sealer(masterKeys);
  await assertMasterKey({ store: opened, sealer }, keyFile);
  const store = withAuditMacs(opened, sealer);
  await settleRestore({ store, clock: systemClock });
  await beginAuditMacs({ store, clock: systemClock });
  await warnOfRestores(store, options.dataDir);
  const { hooks = [], waitingMs = DEFAULT_WAITING_MS } = settings.hooks ?? {};
  await beginHooks({ store, clock: systemClock }, hooks);
  // Completes an interrupted rotation; usually there is nothing to do.
  await reseal({ store, sealer, clock: systemClock });
  const { tls, tlsPin, trustedProxies, digestAlgorithms, rateLimits, connectionLimits } = settings;
  const security = new SecurityEvents({ store, clock: systemClock, logger });
  let publicUrl = settings.publicUrl ?? '';
  let keyPin = tls && pinOf(tls, tlsPin);
  const stopping = new AbortController();
  const { allowedDestinations } = settings;
  const dialler = createDialler({ allowedDestinations, logger, signal: stopping.signal });
  const control: Control = {
    store,
    sealer,
    clock: systemClock,
    signals: new AgentSignals(),
    security,
    serverKeys: await ServerKeys.open({ store, sealer, clock: systemClock }),
    publicUrl: () => publicUrl,
    keyPin: () => keyPin,
    linkTokenLifetimeMs: settings.linkTokenLifetimeMs,
    watchSourceMs: settings.watchSourceMs,
    verifiersOf: digestSecrets,
    destinations: {
      ...dialler,
      check: async (tenant, connectionString) => {
        checkConnectionString(connectionString);
        return settings.connectToDestinations ? await dialler.check(tenant, connectionString) : { makesUsers: false };
      },
    },
    destinationUsers: settings.destinationUsers,
    userAlarm: new Alarm(),
    isOnAccessList,
  };
  // Separate processes connect to destinations. This process connects to webhooks only.
  for (const hook of hooks) if (hook.kind === 'webhook') dialAsOwn(placeOf(hook.url));
  using _guard = guardDialling({ allowedDestinations: [] }, (refusal) => logger.warn(refusal));
  const onConnectionRefused = (address: string, reason: string) =>
    security.note({ type: 'CONNECTION_REFUSED', address, reason });
  const app = createServer({ logger, tls, trustedProxies, connectionLimits, onConnectionRefused });
  const failedAttempts = new FailedAttempts(settings.failedAttemptsPerMinute, systemClock, (address) =>
    security.note({ type: 'ATTEMPT_REFUSED_UNCHECKED', address, reason: 'TOO_MANY_FAILED_ATTEMPTS' }),
  );
  const signInLinks = new SignInLinks(control);
  await registerAtlasApi(app, control, { logger, failedAttempts, digestAlgorithms, rateLimits, signInLinks });
  await registerGateway(app, control, logger, failedAttempts);
  const hasConsole = serveConsole(app, 'index.html');

  // Must come before the server listens, because a start that fails here must leave nothing open.
  const measured = {
    command: 'serve' as const,
    measure: () => serveSamples(store, systemClock.now()),
    notReady: () => serveNotReady(store, app.server.listening, stopping.signal),
  };
  await using _metrics = await serveMetrics(options, undefined, measured, logger);

  // Must come before the first keys are created and shown, so that a start that fails here can be repeated.
  const address = await listen(app, settings);
  publicUrl ||= address;
  const pinAgain = (files: TlsFiles) => {
    keyPin = pinOf(files, tlsPin);
  };
  using _certificate = tls && followCertificate(app.server, tls, logger, pinAgain);
  const expiring = keepExpiring(control, logger, stopping.signal);
  const announcing = keepAnnouncing(control, waitingMs, logger, stopping.signal);
  const hooking = keepHooks(control, hooks, logger, stopping.signal);
  const summarising = new AbortController();
  const keepingSecurity = security.keep(summarising.signal);
  const keepingUsers = keepDestinationUsers(control, logger, stopping.signal);
  try {
    const first = await bootstrap(control, settings.bootstrap);
    using _masterKey = followMasterKey(control, keyFile, logger);
    if (first) process.stdout.write(welcome(first, publicUrl, settings.bootstrap.privateKey !== undefined));
    tell('linkspan serve', `ready at ${address}, data in ${options.dataDir}`);
    if (options.signInLink) process.stdout.write(await signInText(signInLinks, publicUrl));
    tell('linkspan serve', hasConsole ? `console at ${publicUrl}/` : 'no console: npm run build makes it');
    if (!signals.signal.aborted) await once(signals.signal, 'abort');
  } finally {
    // Ends long polls now instead of at their timeout.
    control.signals.close();
    stopping.abort();
    await Promise.all([expiring, announcing, hooking, keepingUsers]);
    await app.close();
    // Must come after the last request, which may still be refused and noted.
    summarising.abort();
    await keepingSecurity;
  }
  return exitCode.done;
}
