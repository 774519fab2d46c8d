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
export type Mesh = Schemas['Status2'];
export type Peer = Schemas['Peer'];
export type Reach = Schemas['Reach'];
export type Neighbour = Schemas['Neighbour'];
export type Invitation = Schemas['Invitation'];
export type Invited = Schemas['Invited'];
export type InvitationPreview = Schemas['Preview'];
export type Parting = Schemas['Parting'];
export type Engine = Schemas['Engine'];
export type Offer = Schemas['Offer'];
export type Policy = Schemas['Policy'];
export type Hours = Schemas['Hours'];
export type LentTool = Schemas['LendTool'];
export type ModelServer = Schemas['ModelServer'];
export type ModelAt = Schemas['ModelAt'];
export type Grant = Schemas['Grant'];
export type GrantLimits = Schemas['GrantLimits'];
export type NewGrant = Schemas['NewGrant'];
export type PassOn = Schemas['PassOn'];
/** What a friend asks to use. */
export type AccessRequest = Schemas['Request'];
export type NewRequest = Schemas['NewRequest'];
/** Whose node this is. */
export type Person = Schemas['Person'];
export type OwnNode = Schemas['OwnNode'];
export type TestGrant = Schemas['TestGrant'];
export type Tested = Schemas['Tested'];
export type Usage = Schemas['Usage'];
export type Receipt = Schemas['StoredReceipt'];
export type ExportedReceipt = Schemas['ExportedReceipt'];
export type ReceiptTotal = Schemas['Total'];
export type MeshDecision = Schemas['NumberedDecision'];

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
