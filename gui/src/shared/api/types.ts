//! The nouns of the API under short names. Nothing is written by hand here: all of it comes from the node's OpenAPI.
import type { components } from './schema';

type Schemas = components['schemas'];

export type JobState = Schemas['State'];
export type Job = Schemas['Summary'];
export type JobEvent = Schemas['Event'];
export type What = Schemas['What'];
export type JobView = Schemas['JobView'];
export type RunView = Schemas['RunView'];
export type RunStatus = Schemas['Status'];
export type Attempt = Schemas['Attempt'];
export type Failure = Schemas['Failure'];
export type LogLine = Schemas['LogLine'];
export type List = Schemas['List'];
export type Item = Schemas['Item'];
export type BlobRef = Schemas['BlobRef'];
export type Wait = Schemas['Wait'];
export type Resume = Schemas['Resume'];
export type Source = Schemas['Source'];
export type StepResult = Schemas['StepResult'];
export type Submission = Schemas['Submission'];
export type Difference = Schemas['Difference'];
export type Preset = Schemas['Preset'];
export type Step = Schemas['Step'];
export type Trigger = Schemas['Trigger'];
export type Manifest = Schemas['Manifest'];
export type DraftSummary = Schemas['DraftSummary'];
export type Activation = Schemas['Activation'];
export type Approval = Schemas['Approval'];
export type FileHealth = Schemas['FileHealth'];
export type Role = Schemas['Role'];

/** Every state of a job, in the order of its life. */
export const JOB_STATES = [
  'queued',
  'held',
  'running',
  'waiting',
  'paused',
  'parked',
  'succeeded',
  'failed',
  'cancelled',
] as const satisfies readonly JobState[];

export const hasEnded = (state: JobState): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled';
