import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { distributionVersion } from './build-version.ts';
import { layOutRoot } from './installed-root.ts';
import type { TreeOptions } from './program-tree.ts';
import { RELOAD, RESTART, STOP } from './service-commands.ts';

const run = promisify(execFile);
/** RPM's names for processors. */
const PROCESSORS = { amd64: 'x86_64', arm64: 'aarch64' } as const;

const IF_SYSTEMD_RUNS = `local function run(command)
  if posix.stat('/run/systemd/system') then os.execute(command) end
end`;

/**
 * In Lua, which rpm runs by itself: the scripts also work where it installs into another root. The argument is how many versions are installed
 * afterwards: 2 at an upgrade, 0 at a removal.
 */
const SCRIPTS = `%post -p <lua>
${IF_SYSTEMD_RUNS}
run("${RELOAD}")
if tonumber(arg[2]) > 1 then
${RESTART.map(call).join('')}end

%preun -p <lua>
${IF_SYSTEMD_RUNS}
if tonumber(arg[2]) == 0 then
${STOP.map(call).join('')}end
-- The program keeps its compiled code there.
local function remove(path)
  if posix.stat(path, 'type') == 'directory' then
    for _, name in ipairs(posix.dir(path)) do
      if name ~= '.' and name ~= '..' then remove(path .. '/' .. name) end
    end
  end
  os.remove(path)
end
remove('/opt/linkspan/node_modules/.cache')

%postun -p <lua>
${IF_SYSTEMD_RUNS}
run("${RELOAD}")
`;

/** Nothing of the host in the package, nothing stripped, and a compression that all distributions can read. */
const SETTINGS = {
  _build_id_links: 'none',
  __os_install_post: '%{nil}',
  debug_package: '%{nil}',
  use_source_date_epoch_as_buildtime: '1',
  clamp_mtime_to_source_date_epoch: '1',
  _buildhost: 'linkspan.invalid',
  _binary_payload: 'w6.gzdio',
};

/**
 * Makes an RPM package with the same files as the Debian package.
 * @param tree    a folder of `makeProgramTree`, made with the same options. No file is newer than their time
 * @param work    an empty folder
 * @returns the path of the package in `output`
 */
export async function makeRpm(
  tree: string,
  work: string,
  { architecture, builtAt }: TreeOptions,
  output: string,
): Promise<string> {
  const { version, description, license } = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8'));
  const content = join(work, 'content');
  mkdirSync(content, { recursive: true });
  layOutRoot(tree, content);
  await run('chmod', ['-R', 'u+rwX,go+rX,go-w', content]);
  const processor = PROCESSORS[architecture];
  const rpmVersion = distributionVersion(version);
  const spec = join(work, 'linkspan.spec');
  writeFileSync(
    spec,
    `Name: linkspan
Version: ${rpmVersion}
Release: 1
Summary: ${description.replace(/\.$/, '')}
License: ${license}
AutoReqProv: no
Requires: glibc >= 2.28
Requires: libstdc++

%description
${description} The package contains its own Node.js.

%install
cp -a ${content}/. %{buildroot}

%files
%defattr(-,root,root,-)
/opt/linkspan
/usr/bin/linkspan
/usr/lib/systemd/system/*
/usr/share/doc/linkspan

${SCRIPTS}`,
  );
  const defines = {
    ...SETTINGS,
    _topdir: join(work, 'build'),
    _rpmdir: output,
    _rpmfilename: '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm',
  };
  const flags = Object.entries(defines).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(builtAt) };
  await run('rpmbuild', ['-bb', '--quiet', '--target', `${processor}-linux`, ...flags, spec], { env });
  return join(output, `linkspan-${rpmVersion}-1.${processor}.rpm`);
}

function call(command: string): string {
  return `  run("${command}")\n`;
}
