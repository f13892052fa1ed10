export type Side = 'source' | 'destination';
