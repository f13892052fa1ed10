export { DEFAULT_WAITING_MS, type Hook, type Hooks, readHooks, takes } from './configuration.ts';
export { Courier } from './courier.ts';
export { deliver } from './deliver.ts';
export { errorOfEvent, eventText, HOOK_EVENT_TYPES, type HookEvent, hookEvent, organizationOf } from './event.ts';
export { FileOutbox } from './file-outbox.ts';
export { placeOf } from './hook-address.ts';
export { type Delivery, MOST_WAITING, type Outbox } from './outbox.ts';
