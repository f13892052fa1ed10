import { MongoBinary } from 'mongodb-memory-server-core';

/** Run as `node download-mongod.ts FOLDER VERSION`: fetches that mongod into the folder and prints its path. */
const [downloadDir, version] = process.argv.slice(2);
console.log(await MongoBinary.getPath({ downloadDir, version }));
process.exit();
