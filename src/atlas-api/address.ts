import { z } from 'zod';
import { issueOf } from '../http/index.ts';
import { isAddressOrBlock } from '../platform/index.ts';

const MAX_ADDRESS_LENGTH = 64;

/** Schema of an address or block in an access list. */
export const address = z
  .string()
  .max(MAX_ADDRESS_LENGTH)
  .check((context) => {
    const { value } = context;
    if (isAddressOrBlock(value)) return;
    const shown = value.slice(0, MAX_ADDRESS_LENGTH);
    context.issues.push({ ...issueOf('INVALID_IP_ADDRESS_OR_CIDR_NOTATION', [shown]), input: value });
  })
  .meta({ description: 'An IPv4 or IPv6 address, or a block in CIDR notation.', example: '192.0.2.0/24' });
