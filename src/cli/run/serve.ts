import { once } from 'node:events';
import { join } from 'node:path';
import { registerAtlasApi } from '../../atlas-api/index.ts';
import {
  AgentSignals,
  Alarm,
  assertMasterKey,
  beginHooks,
  bootstrap,
  type Control,
  findOrganizations,
  keepAnnouncing,
  keepDestinationUsers,
  keepExpiring,
  keepHooks,
  keepWarningOfExpiry,
  loadMasterKeys,
  MOST_LINK_TOKENS,
  reseal,
  Sealer,
  SecurityEvents,
  ServerKeys,
  SignInLinks,
  settleRestore,
  withAuditMacs,
  withChangesLogged,
} from '../../control/index.ts';
import { checkConnectionString, createDialler } from '../../destination/index.ts';
import { registerGateway } from '../../gateway/index.ts';
import { DEFAULT_WAITING_MS, placeOf } from '../../hooks/index.ts';
import { createServer, digestSecrets, FailedAttempts, isOnAccessList, Refusals } from '../../http/index.ts';
import { dialAsOwn, guardDialling, systemClock } from '../../platform/index.ts';
import { openSqliteStore } from '../../store/sqlite/index.ts';
import { serveConsole } from '../command-line/console.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { serveMetrics } from '../command-line/metrics.ts';
import type { ReportCheck } from '../command-line/reporting.ts';
import { catchSignals } from '../command-line/signals.ts';
import { openLog, tell } from '../terminal/index.ts';
import { listen } from './serve-address.ts';
import { followCertificate, pinOf, type TlsFiles } from './serve-certificate.ts';
import { checkServe } from './serve-check.ts';
import { followMasterKey } from './serve-master-key.ts';
import { securitySamples, serveNotReady, serveSamples } from './serve-metrics.ts';
import { warnOfRestores } from './serve-restored.ts';
import { readServeSettings, type ServeOptions } from './serve-settings.ts';
import { givenKeyOf, signInText, welcome } from './serve-welcome.ts';

/** Checks what `serve` would start with. */
export async function check(options: ServeOptions, report: ReportCheck): Promise<{ readonly code: ExitCode }> {
  const { dataDir, masterKeyFile: keyFile = join(dataDir, 'master.key') } = options;
  const findings = await checkServe(readServeSettings(options), { dataDir, keyFile });
  for (const { level, subject, message } of findings) report(level, subject, message);
  const isWrong = findings.some(({ level }) => level === 'failed');
  return { code: isWrong ? exitCode.usageOrPrecondition : exitCode.done };
}

/** Runs the control plane until a signal ends it. Only this file composes a server. */
export async function serve(options: ServeOptions): Promise<ExitCode> {
  using signals = catchSignals();
  // Files that this process creates are readable by its user only.
  process.umask(0o077);
  const settings = readServeSettings(options);
  delete process.env.LINKSPAN_BOOTSTRAP_PRIVATE_KEY;
  delete process.env.LINKSPAN_BOOTSTRAP_CLIENT_SECRET;
  const logger = await openLog({ format: options.logFormat });

  await using opened = openSqliteStore(options.dataDir, (error) => {
    logger.fatal(
      { event: 'disk.failed', code: error.code, reason: error.message },
      'the disk failed: the server stops',
    );
    // Requests that fail with this error get their answers first.
    setTimeout(() => process.exit(exitCode.failed), 1000);
  });
  const keyFile = options.masterKeyFile ?? join(options.dataDir, 'master.key');
  const masterKeys = loadMasterKeys(keyFile, (await findOrganizations(opened)).length === 0);
  const sealer = new Sealer(masterKeys);
  await assertMasterKey({ store: opened, sealer }, keyFile);
  const store = withChangesLogged(withAuditMacs(opened, sealer), logger);
  await settleRestore({ store, clock: systemClock });
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
    mostLinkTokens: MOST_LINK_TOKENS,
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
  using _guard = guardDialling({ allowedDestinations: [] }, (refusal) =>
    logger.warn({ event: 'connection.refused' }, refusal),
  );
  const onConnectionRefused = (address: string, reason: string) =>
    security.note({ type: 'CONNECTION_REFUSED', address, reason });
  const refusals = rateLimits ? new Refusals(systemClock) : undefined;
  const app = createServer({ logger, tls, trustedProxies, refusals, connectionLimits, onConnectionRefused });
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
    measure: async () => {
      const { samples, isComplete } = await serveSamples(store, systemClock.now());
      return { samples: [...samples, ...securitySamples(security)], isComplete };
    },
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
  const warning = keepWarningOfExpiry(control, logger, stopping.signal);
  const hooking = keepHooks(control, hooks, logger, stopping.signal);
  const summarising = new AbortController();
  const keepingSecurity = security.keep(summarising.signal);
  const keepingUsers = keepDestinationUsers(control, logger, stopping.signal);
  try {
    const first = await bootstrap(control, settings.bootstrap);
    using _masterKey = followMasterKey(control, keyFile, logger);
    if (first) process.stdout.write(welcome(first, publicUrl, givenKeyOf(options)));
    tell('linkspan serve', `ready at ${address}, data in ${options.dataDir}`);
    if (options.signInLink) process.stdout.write(await signInText(signInLinks, publicUrl));
    tell('linkspan serve', hasConsole ? `console at ${publicUrl}/` : 'no console: npm run build makes it');
    if (!signals.signal.aborted) await once(signals.signal, 'abort');
  } finally {
    // Ends long polls now instead of at their timeout.
    control.signals.close();
    stopping.abort();
    await Promise.all([expiring, announcing, warning, hooking, keepingUsers]);
    await app.close();
    // Must come after the last request, which may still be refused and noted.
    summarising.abort();
    await keepingSecurity;
  }
  return exitCode.done;
}
