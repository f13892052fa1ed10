import { once } from 'node:events';
import { join } from 'node:path';
import { Command } from 'commander';
import { registerAtlasApi } from '../../atlas-api/index.ts';
import {
  AgentSignals,
  Alarm,
  assertMasterKey,
  beginAuditMacs,
  bootstrap,
  type Control,
  keepDestinationUsers,
  keepExpiring,
  loadMasterKeys,
  reseal,
  Sealer,
  SecurityEvents,
  ServerKeys,
  settleRestore,
  withAuditMacs,
} from '../../control/index.ts';
import { checkConnectionString, createDialler } from '../../destination/index.ts';
import { registerGateway } from '../../gateway/index.ts';
import { createServer, digestSecrets, FailedAttempts, isOnAccessList } from '../../http/index.ts';
import { guardDialling, systemClock } from '../../platform/index.ts';
import { openSqliteStore } from '../../store/sqlite/index.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { catchSignals } from '../command-line/signals.ts';
import { logFormat, openLog, tell, writeCheck } from '../terminal/index.ts';
import { dataDirectory, masterKeyFile, setting } from '../terminal/setting.ts';
import { listen } from './serve-address.ts';
import { followCertificate, pinOf, type TlsFiles } from './serve-certificate.ts';
import { checkServe } from './serve-check.ts';
import { followMasterKey } from './serve-master-key.ts';
import { warnOfRestores } from './serve-restored.ts';
import { readServeSettings, type ServeOptions } from './serve-settings.ts';
import { welcome } from './serve-welcome.ts';

/** `linkspan serve`: the control plane. The only place where a server is composed. */
export function serveCommand(): Command {
  return new Command('serve')
    .summary('run the control plane: the Atlas Administration API and the face for agents')
    .description(
      'Run the control plane: the Atlas Administration API and the face for agents. ' +
        'The first start makes an organization and an API key, and prints them once, with the request that makes a link-token.',
    )
    .addOption(setting('listen', '<host:port>', 'address to listen on').default('127.0.0.1:8080'))
    .addOption(dataDirectory())
    .addOption(setting('public-url', '<url>', 'where agents reach this server, if not at the listening address'))
    .addOption(setting('tls-cert-file', '<file>', 'certificate chain, PEM'))
    .addOption(setting('tls-key-file', '<file>', 'private key of the certificate, PEM'))
    .addOption(setting('tls-pin', '<which>', 'pin in link-tokens, for a private CA: key, ca or none').default('none'))
    .addOption(
      setting('link-token-hours', '<hours>', 'when an unredeemed link-token expires; never: it does not').default('24'),
    )
    .addOption(masterKeyFile())
    .addOption(setting('bootstrap-org-id', '<id>', 'organization id of the first start'))
    .addOption(setting('bootstrap-public-key', '<key>', 'public key of the first start'))
    .addOption(setting('bootstrap-private-key', '<key>', 'private key of the first start'))
    .addOption(
      setting(
        'bootstrap-access-list',
        '<addresses>',
        'from where the first key and account may be used; default: anywhere',
      ),
    )
    .addOption(setting('bootstrap-client-id', '<id>', 'client id of a service account, made if it is not there'))
    .addOption(setting('bootstrap-client-secret', '<secret>', 'secret of that service account'))
    .addOption(setting('plain-http', '<where>', 'where plain HTTP is served: loopback or anywhere').default('loopback'))
    .addOption(setting('trusted-proxies', '<addresses>', 'proxies whose X-Forwarded-For is believed; default: none'))
    .addOption(setting('digest-algorithms', '<list>', 'MD5, SHA-256 or SHA-256,MD5').default('MD5'))
    .addOption(setting('rate-limits', '<which>', "Atlas's rate limits (atlas) or none (off)").default('atlas'))
    .addOption(setting('max-connections', '<number>', 'connections open at once, or off').default('10000'))
    .addOption(
      setting(
        'max-connections-per-address',
        '<number>',
        'connections of one client address open at once, or requests behind a trusted proxy; or off',
      ).default('1000'),
    )
    .addOption(
      setting(
        'failed-attempts-per-minute',
        '<number>',
        'failed attempts to authenticate from one client address before it is answered 429, or off',
      ).default('60'),
    )
    .addOption(
      setting(
        'check-destinations',
        '<how>',
        'when one is registered: connect to it, or look at the form of its connection string',
      ).default('connect'),
    )
    .addOption(
      setting(
        'allowed-destinations',
        '<hosts>',
        'host names, addresses and blocks that this server may connect to; default: any but those of cloud metadata services',
      ),
    )
    .addOption(
      setting(
        'destination-users',
        '<which>',
        'as whom agents write: as a user made for each migration, where the registered one may make users, or always as that one (fixed)',
      ).default('migration'),
    )
    .addOption(logFormat())
    .action(async (options: ServeOptions) => {
      process.exitCode = await serve(options);
    })
    .addCommand(
      new Command('check')
        .summary('look at what the security of the server depends on: settings, master key, store; change nothing')
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
  // Whatever this process makes is for its user alone.
  process.umask(0o077);
  const settings = readServeSettings(options);
  delete process.env.LINKSPAN_BOOTSTRAP_PRIVATE_KEY;
  delete process.env.LINKSPAN_BOOTSTRAP_CLIENT_SECRET;
  const logger = await openLog({ format: options.logFormat });

  await using opened = openSqliteStore(options.dataDir, (error) => {
    logger.fatal({ code: error.code, reason: error.message }, 'the disk has failed: the server ends');
    // After the answers that say so.
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
  // A rotation that was interrupted; most times there is nothing to do.
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
  // Destinations are dialled by processes of their own. This process connects to nothing.
  using _guard = guardDialling({ allowedDestinations: [] }, (refusal) => logger.warn(refusal));
  const onConnectionRefused = (address: string, reason: string) =>
    security.note({ type: 'CONNECTION_REFUSED', address, reason });
  const app = createServer({ logger, tls, trustedProxies, connectionLimits, onConnectionRefused });
  const failedAttempts = new FailedAttempts(settings.failedAttemptsPerMinute, systemClock, (address) =>
    security.note({ type: 'ATTEMPT_REFUSED_UNCHECKED', address, reason: 'TOO_MANY_FAILED_ATTEMPTS' }),
  );
  await registerAtlasApi(app, control, { logger, failedAttempts, digestAlgorithms, rateLimits });
  await registerGateway(app, control, logger, failedAttempts);

  // Before the keys are made and shown: a start that fails here can be repeated.
  const address = await listen(app, settings);
  publicUrl ||= address;
  const pinAgain = (files: TlsFiles) => {
    keyPin = pinOf(files, tlsPin);
  };
  using _certificate = tls && followCertificate(app.server, tls, logger, pinAgain);
  const expiring = keepExpiring(control, logger, stopping.signal);
  const summarising = new AbortController();
  const keepingSecurity = security.keep(summarising.signal);
  const keepingUsers = keepDestinationUsers(control, logger, stopping.signal);
  try {
    const first = await bootstrap(control, settings.bootstrap);
    using _masterKey = followMasterKey(control, keyFile, logger);
    if (first) process.stdout.write(welcome(first, publicUrl, settings.bootstrap.privateKey !== undefined));
    tell('linkspan serve', `ready at ${address}, data in ${options.dataDir}`);
    if (!signals.signal.aborted) await once(signals.signal, 'abort');
  } finally {
    // Long polls end now instead of when their time is over.
    control.signals.close();
    stopping.abort();
    await Promise.all([expiring, keepingUsers]);
    await app.close();
    // After the last request that could be refused.
    summarising.abort();
    await keepingSecurity;
  }
  return exitCode.done;
}
