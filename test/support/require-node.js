// Preloaded by the scripts that run TypeScript, in JavaScript so that an old Node.js can say what is wrong instead of failing on a file extension.
const oldest = [24, 15];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  console.error(
    `Node.js ${process.versions.node} is too old: run this through npm after npm ci, which brings the right one on Linux, or install Node.js ${oldest.join('.')} or newer.`,
  );
  process.exit(2);
}
