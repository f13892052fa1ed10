import type { DestinationPort } from '../../src/control/index.ts';
import { checkConnectionString } from '../../src/destination/index.ts';

const unreached = async () => {
  throw new Error('no one answers there');
};

/** Destinations that only agents can reach, as with `--check-destinations form`. */
export const unreachedDestinations: DestinationPort = {
  check: async (_tenant, connectionString) => {
    checkConnectionString(connectionString);
    return { makesUsers: false };
  },
  makeUser: unreached,
  dropUser: unreached,
};
