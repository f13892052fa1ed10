import { MongoBinary } from 'mongodb-memory-server-core';

/** `node download-mongod.ts FOLDER VERSION` downloads this mongod into the folder and prints its path. */
const [downloadDir, version] = process.argv.slice(2);
console.log(await MongoBinary.getPath({ downloadDir, version }));
process.exit();
