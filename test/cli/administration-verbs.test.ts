import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operations } from '../../src/atlas-api/operations.ts';
import { administrationCommand } from '../../src/cli/administration/index.ts';
import { nouns } from '../../src/cli/administration/nouns.ts';
import { dateOf } from '../../src/contract/index.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { cutoverReport, DESTINATION, progress } from '../atlas-api/migration-world.ts';
import { AgentClient, linkAgent, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { eventually } from '../support/eventually.ts';

const commands = Object.entries(nouns).flatMap(([noun, those]) =>
  those.map(({ name, operation, others = {} }) => ({
    command: `${noun} ${name}`,
    operations: [operation, ...Object.values(others)],
  })),
);

test('every operation of the API has a command, and there are no others', () => {
  const sent = new Set(commands.flatMap(({ operations: all }) => all));
  assert.deepEqual([...sent].sort(), operations.map(({ operationId }) => operationId).sort());
});

test('every command sends its request and shows the answer', async () => {
  await using plane = await startControlPlane({ rateLimits: false });
  const untried = new Set(commands.map(({ command }) => command));
  Object.assign(process.env, {
    LINKSPAN_URL: plane.url,
    LINKSPAN_ORG_ID: plane.orgId,
    LINKSPAN_PUBLIC_KEY: plane.publicKey,
    LINKSPAN_PRIVATE_KEY: plane.privateKey,
    LINKSPAN_CONFIG_FILE: '/nowhere',
  });
  const run = async (line: string): Promise<string> => {
    for (const command of untried) if (`${line} `.startsWith(`${command} `)) untried.delete(command);
    const [noun = '', ...words] = line.split(' ');
    let shown = '';
    const command = administrationCommand(noun, (text) => {
      shown += text;
    });
    await command.parseAsync(words, { from: 'user' });
    return shown;
  };
  /** Output for people. */
  const said = async (line: string, expected: RegExp) => assert.match(await run(line), expected, line);
  /** Output for programs. */
  const made = async (line: string): Promise<Record<string, string>> => JSON.parse(await run(`${line} -o json`));
  const empty = /^$/;
  const requested =
    /^The cutover of migration \w+ is requested\. .*\nFollow it with: linkspan migration describe \w+ --watch\n$/;

  await said('org list --name lin', new RegExp(`^id +name\n${plane.orgId}  \\w+\n$`));
  await said('org list --name nobody', empty);
  await said('org update --name renamed', /renamed/);
  await said(`org describe ${plane.orgId}`, /renamed/);
  const status = (await made('status describe')) as unknown as { apiKey: { id: string } };
  await said(`api-key access-list create --apiKey ${status.apiKey.id} --ip 127.0.0.1`, /127/);
  await said('org settings update --apiAccessListRequired true', /^apiAccessListRequired .*\ntrue /);
  await said('org settings update --apiAccessListRequired false', /\nfalse /);
  await said('org settings describe', /\nfalse +8760\n/);
  const other =
    'org create other --apiKeyDescription owner --apiKeyRole ORG_OWNER --serviceAccountName robot --serviceAccountRole ORG_MEMBER --serviceAccountSecretExpiresAfterHours 8';
  const owned = /\n([0-9a-f]{24}) +other +([a-z]+) +([0-9a-f-]{73}) +mdb_sa_id_[0-9a-f]{24} +mdb_sa_sk_\S+\n$/;
  const [, otherId, publicKey, privateKey] = owned.exec(await run(other)) ?? [];
  Object.assign(process.env, { LINKSPAN_PUBLIC_KEY: publicKey, LINKSPAN_PRIVATE_KEY: privateKey });
  await said(`org delete ${otherId}`, empty);
  Object.assign(process.env, { LINKSPAN_PUBLIC_KEY: plane.publicKey, LINKSPAN_PRIVATE_KEY: plane.privateKey });

  const { id: projectId = '' } = await made('project create shop');
  await said('project create --name second', /second/);
  await said('org project list --name sh', /^id +name +clusterCount\n[0-9a-f]{24} +shop +0\n$/);
  await said('project find second', /second/);
  process.env.LINKSPAN_PROJECT_ID = projectId;
  await said('project list --limit 1 --page 2', /^id .*\n.*second +0\n$/);
  await said('project update --name stock', /stock/);
  await said(`project describe ${projectId}`, /stock/);

  const { id: keyId = '' } = await made('api-key create --desc first --role ORG_MEMBER');
  await said(
    `api-key update ${keyId} --desc second --role ORG_READ_ONLY,ORG_MEMBER`,
    /second +ORG_READ_ONLY,ORG_MEMBER\n/,
  );
  await said(`api-key describe --apiKey ${keyId}`, /\*{8}-.* second /);
  await said('api-key list', /second/);
  const whose = `--apiKey ${keyId}`;
  await said(
    `api-key access-list create ${whose} --ip 192.0.2.1 --ip 192.0.2.2 --cidr 198.51.100.0/24`,
    /198\.51\.100\.0\/24 +- /,
  );
  await said(`api-key accessLists list ${keyId}`, /192\.0\.2\.1\/32 +192\.0\.2\.1 /);
  await said(`api-key access-list describe 198.51.100.0/24 ${whose}`, /198/);
  await said(`api-key access-list delete 198.51.100.0/24 ${whose}`, empty);
  assert.doesNotMatch(await run(`api-key access-list list ${keyId}`), /198/);
  await said(`project api-key assign ${keyId} --role GROUP_READ_ONLY`, empty);
  await said(`project api-key update ${keyId} --role GROUP_OWNER`, /GROUP_OWNER/);
  await said('project api-key list', /GROUP_OWNER/);
  await said(`project api-key delete ${keyId}`, empty);
  await said(
    'project api-key create --desc mover --role GROUP_CLUSTER_MANAGER',
    /mover +ORG_MEMBER,GROUP_CLUSTER_MANAGER/,
  );
  await said(`api-key delete ${keyId}`, empty);

  const account = 'service-account create robot --desc d --role ORG_MEMBER --secretExpiresAfterHours 8';
  const { clientId = '' } = await made(account);
  await said(`service-account update ${clientId} --name android --role ORG_READ_ONLY`, /android +ORG_READ_ONLY /);
  await said(`service-account describe ${clientId}`, /android/);
  await said('service-account list', /android/);
  const client = `--clientId ${clientId}`;
  const { id: secretId = '', secret = '' } = await made(
    `service-account secret create ${client} --secretExpiresAfterHours 9`,
  );
  assert.match(secret, /^mdb_sa_sk_/);
  await said(`service-account secret delete ${secretId} ${client}`, empty);
  await said(`service-account access-list create ${client} --cidr 127.0.0.0/8`, /127/);
  await said(`service-account access-list list ${clientId}`, /127/);
  await said(`service-account access-list delete 127.0.0.0/8 ${client}`, empty);
  await said(`service-account delete ${clientId}`, empty);

  await said(`cluster create C --connectionString ${DESTINATION}`, / C +mongodb:\/\/d1:27017\//);
  await said(`cluster update C --connectionString ${DESTINATION.replace('d1', 'd2')}`, / C +mongodb:\/\/d2:27017\//);
  await said('cluster describe C', / C /);
  await said('cluster list', / C /);
  await said('link-token create --accessListIp 192.0.2.1,192.0.2.2', /^linkToken\nmlt_/);
  const agent = await linkAgent(plane);
  for (const list of ['link list', 'migration link list']) await said(list, /host-1/);
  await said('available-project list', /host-1 +source +8\.0\.4\n/);
  const order = `--clusterName C --migrationHost host-1 --sourceClusterName source --sourceProjectId ${SOURCE_PROJECT}`;
  const validation = await made(`validation create ${order} --sourceManagedAuthentication --force`);
  for (const noun of ['validation', 'migration validation']) {
    await said(`${noun} describe --validationId ${validation._id}`, /PENDING +-\n$/);
  }
  await said(`migration validation create ${order}`, /PENDING/);
  const finding = (severity: 'ERROR' | 'WARNING') => ({
    severity,
    code: `${severity}_CODE`,
    message: `What ${severity.toLowerCase()}.`,
    remedy: `What to do about the ${severity.toLowerCase()}.`,
  });
  await agent.report({
    validations: [
      { id: validation._id, status: 'FAILED', errorMessage: 'No.', findings: [finding('ERROR'), finding('WARNING')] },
    ],
  });
  await said(
    `validation show ${validation._id}`,
    new RegExp(
      [
        'FAILED +No\\.\n',
        'Errors: these keep a migration from starting \\(1\\)\n {2}What error\\. \\[ERROR_CODE\\]\n {4}What to do about the error\\.\n',
        'Warnings \\(1\\)\n {2}What warning\\. \\[WARNING_CODE\\]\n',
      ].join('\n'),
    ),
  );
  for (const noun of ['validation', 'migration validation']) await said(`${noun} wait ${validation._id}`, /FAILED +No/);
  assert.equal(process.exitCode, 1);
  process.exitCode = undefined;
  const create = `migration create ${order} -u u -p p --drop --idempotencyKey job-1`;
  const { _id = '' } = await made(create);
  assert.equal((await made(create))._id, _id);
  await agent.report({
    migrations: [{ id: _id, progress: progress(_id, { state: 'FOLLOWING', readyForCutover: true }) }],
  });
  await said(`migration set-load-level ${_id} --loadLevel 2`, /WORKING/);
  await said(`migration set-windows ${_id}`, /WORKING/);
  await said(`migration limit-copy ${_id} --maxMegabytesPerSecond 1.5`, /WORKING/);
  await said(`migration limit-copy ${_id} 1.5`, /WORKING/);
  await said(`migration limit-copy ${_id}`, /WORKING/);
  await said(`migration confirm-drops ${_id}`, /WORKING/);
  await said(`migration extend-window ${_id} --hours 200`, /WORKING/);
  await said(`migration pause ${_id}`, /WORKING/);
  await said(`migration resume ${_id}`, /WORKING/);
  const wished = await run('event list --limit 9 --output json');
  for (const each of ['"level": 2', '"megabytesPerSecond": 1.5', '"megabytesPerSecond": "unlimited"']) {
    assert.ok(wished.includes(each), each);
  }
  await said(`migration describe --liveMigrationId ${_id}`, /WORKING +true/);
  await said(`migration move ${_id} --host host-1`, /WORKING/);
  await said(`migration set-labels ${_id} --label team=payments --label wave=2 --note soon`, /WORKING/);
  await said(`migration describe ${_id}`, /\nlabels +team=payments, wave=2\nnote +soon\n/);
  for (const list of ['migration list --label team=payments --label wave', 'org migration list --status NEW,WORKING'])
    await said(list, /team=payments, wave=2\n$/);
  await said('org migration list --source elsewhere', /^$/);
  await said(
    'migration list',
    / source +C +WORKING +ready to cut over +true +7 +CONNECTED( +-)? +\d{4}-\d\d-\d\dT\S+Z /,
  );
  await said(
    `migration history ${_id} --span minute`,
    /^spanSeconds *\n60\n\nat +state +lagTimeSeconds .*\n\S+Z +\w+ +7 /,
  );
  await said(`migration history ${_id} --since 2100-01-01T00:00:00Z`, /^spanSeconds *\n1\n$/);
  await said(`migration mismatches ${_id}`, /^The agent has not reported this list yet\.\n$/);
  const unknown = { reason: null, documentsPerSecond: null, bytesPerSecond: null };
  const figures = { documentsCopied: 1, documentsTotal: 2, bytesCopied: 3, bytesTotal: 4, readOrder: null, ...unknown };
  const changed = ['a', 'b'].map((id) => ({ id, namespace: `shop.${id}`, state: 'COPYING', ...figures }));
  const collections = { series: 'a'.repeat(24), part: 0, total: 3, changed, removed: [] };
  const ready = progress(_id, { state: 'FOLLOWING', readyForCutover: true });
  await agent.report({ migrations: [{ id: _id, progress: ready, lists: { collections } }] });
  await said(`migration wait ${_id} --until ready`, /WORKING +ready to cut over +true/);
  await said(
    `migration collections ${_id} --limit 1 --namespace SHOP`,
    /^namespace +state .*\nshop\.a +copying +1 +2 +3 +4 .*\nThe agent has sent 2 of 3 items\.\n$/,
  );
  await said(`migration cutover ${_id}`, requested);
  const reported = async (changes: Parameters<typeof progress>[1]) =>
    agent.report({ migrations: [{ id: _id, progress: progress(_id, { state: 'FOLLOWING', ...changes }) }] });
  await assert.rejects(run(`migration cutover ${_id} --abort --dry-run`), { code: 'USAGE' });
  const orderOf = async () => (await plane.control.store.get('migrations', _id))?.state.order;
  const aborting = said(`migration cutover ${_id} --abort`, /WORKING +ready to cut over +true/);
  const cutoverAborted = await eventually(async () => (await orderOf())?.abort, { what: 'the abort' });
  // A report from before the abort proves nothing.
  await reported({ readyForCutover: true });
  await reported({ readyForCutover: true, cutoverAborted });
  await aborting;
  const rehearsing = said(
    `migration cutover ${_id} --dry-run`,
    /attempt 1 +rehearsed .* would stop them for about 0\.09 s/,
  );
  const rehearsal = await eventually(async () => (await orderOf())?.rehearsal, { what: 'the rehearsal' });
  const attempt = {
    number: 1,
    startedAt: dateOf(0),
    rehearsalId: rehearsal,
    result: 'REHEARSED',
    wouldStopMs: 90,
    steps: [],
  } as const;
  await reported({ readyForCutover: true, cutoverAttempts: [attempt] });
  await rehearsing;
  await assert.rejects(run(`migration report ${_id}`), { code: 'API_REFUSED' });
  await said(`migration cutover ${_id}`, requested);
  const late = run(`migration cutover ${_id} --abort`);
  late.catch(() => undefined);
  await eventually(async () => (await orderOf())?.wanted === 'RUNNING', { what: 'the second abort' });
  await reported({ state: 'COMMITTED', cutoverReport: cutoverReport('a warning') });
  await assert.rejects(late, /point of no return/);
  await assert.rejects(run(`migration cutover ${_id} --abort`), /point of no return/);
  await said(`migration report ${_id}`, /\npause +80 ms\. an explanation\n(?:.*\n)*before +mongodb:\/\/a:1\/\n/);
  await assert.rejects(run(`migration cancel ${_id} --drop`), { code: 'API_REFUSED' });
  const { _id: second = '' } = await made(`migration create ${order}`);
  await said(`migration cancel ${second} --drop`, /\n[0-9a-f]{24} +(NEW|FAILED)/);
  assert.match(await run('event list --limit 2 --output json'), /"dropCopied": true/);
  await agent.report({ migrations: [{ id: second, progress: progress(second, { state: 'FAILED' }) }] });
  const { _id: third = '' } = await made(`migration create ${order} --reversible`);
  const committed = (failback: object) => ({
    migrations: [{ id: third, progress: progress(third, { state: 'COMMITTED' }), reversals: 0, failback }],
  });
  const following = { state: 'FOLLOWING', ready: true, notReadyReasons: [], lagSeconds: 2, warnings: [] };
  await agent.report(committed(following));
  await said(
    `migration describe ${third}`,
    /users +on the destination\nfailback +follows every change, 2 s behind, ready to return, open since \d/,
  );
  await said(`migration reverse ${third}`, /WORKING.*\n\nusers +on the destination, reversed 1x\nfailback +planned/s);
  await said(`migration finish ${third}`, /failback +is being closed/);
  await agent.report(committed({ state: 'CLOSED' }));
  await said(
    'org migration list',
    new RegExp(`^linkspan.destination.groupId +_id .*\n\\w{24} +${third} +source +C +COMPLETE`),
  );
  await said(`migration finish ${third}`, /COMPLETE.*failback +closed permanently\nwarning +The source stays blocked/s);
  const { linkToken = '' } = await made('link-token create --migrationHost host-2');
  assert.equal((await new AgentClient(plane.url).redeem(linkToken, 'host-2')).status, 201);
  const { results: links = [] } = await made('link list');
  const ofHost2 = (links as unknown as Record<string, string>[]).find(
    ({ migrationHost }) => migrationHost === 'host-2',
  );
  for (const noun of ['link', 'migration link']) await said(`${noun} approve ${ofHost2?.id}`, empty);
  await said(`link revoke ${ofHost2?.id}`, empty);
  await assert.rejects(run(`migration link revoke ${ofHost2?.id}`), { code: 'API_REFUSED' });
  await said('link-token delete', empty);
  await said('migration link create', /^linkToken\nmlt_/);
  await said('migration link delete --force', empty);
  await said('cluster delete C', empty);

  const { results = [] } = await made('event list --type GROUP_CREATED,CLUSTER_DELETED --limit 1');
  const [{ id: eventId, eventTypeName }] = results as unknown as [Record<string, string>];
  assert.equal(eventTypeName, 'CLUSTER_DELETED');
  await said(`event describe ${eventId}`, /CLUSTER_DELETED/);
  await said(
    `event list --targetKind migration --targetId ${third} --type LIVE_MIGRATION_CREATED`,
    /LIVE_MIGRATION_CREATED/,
  );
  await said(`event list --targetKind cluster --targetId ${third}`, empty);
  await said('event verify', /true/);
  await said('project event list --limit 500', /CLUSTER_CREATED/);
  await said(`project event describe ${eventId}`, /CLUSTER_DELETED/);
  await said('status describe', /^build .*\nlinkspan \d+\.\d+\.\d+ +[a-z]+ +ORG_OWNER +127.0.0.1\/32\n$/);
  await said(`project delete ${projectId}`, empty);
  assert.deepEqual([...untried], []);
});
