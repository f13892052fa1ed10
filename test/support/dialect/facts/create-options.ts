import { fieldIn } from '../bson-edits.ts';
import { type Fact, notModelled } from '../fact.ts';

/** Servers from 8.2 on refuse it. No source says with which code. */
export const CREATE_OPTIONS: Fact = {
  name: 'create takes no autoIndexId',
  source: 'mongodb/mongo-tools mongorestore/metadata.go (autoIndexId is removed for servers from 8.2 on)',
  recordedFrom: null,
  commands: ['create'],
  request: ({ body }) => (fieldIn(body, 'autoIndexId') === undefined ? body : notModelled('autoIndexId')),
};
