import { changeIn, fieldIn, withField } from '../bson-edits.ts';
import type { Fact } from '../fact.ts';

const versionOfBuild: Fact = {
  name: 'the version of the build',
  source: 'https://www.mongodb.com/docs/manual/reference/command/buildInfo/',
  recordedFrom: null,
  commands: ['buildInfo', 'buildinfo'],
  reply: (reply, _, { version }) => {
    const numbers = [...version.split('.').map(Number), 0];
    return withField(withField(reply, 'version', version), 'versionArray', numbers);
  },
};

const versionOfStatus: Fact = {
  name: 'the version in the status of a server',
  source: 'https://www.mongodb.com/docs/manual/reference/command/serverStatus/#instance-information',
  recordedFrom: null,
  commands: ['serverStatus'],
  reply: (reply, _, { version }) => withField(reply, 'version', version),
};

const wireVersion: Fact = {
  name: 'the newest wire version',
  source:
    'mongodb/node-mongodb-native src/cmap/wire_protocol/constants.ts at v7.9.0; mongodb/specifications source/wireversion-featurelist',
  recordedFrom: null,
  commands: ['hello', 'isMaster', 'ismaster'],
  reply: (reply, _, { maxWireVersion }) => withField(reply, 'maxWireVersion', maxWireVersion),
};

const featureCompatibility: Fact = {
  name: 'the feature compatibility version',
  source: 'https://www.mongodb.com/docs/manual/reference/command/setFeatureCompatibilityVersion/',
  recordedFrom: null,
  commands: ['getParameter'],
  reply: (reply, _, { level }) =>
    changeIn(reply, 'featureCompatibilityVersion', (value) =>
      fieldIn(value, 'version') === undefined ? value : withField(value, 'version', level),
    ),
};

/** How a server names itself. */
export const VERSION: readonly Fact[] = [versionOfBuild, versionOfStatus, wireVersion, featureCompatibility];
