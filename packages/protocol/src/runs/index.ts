export type {
  BatchAction,
  BatchView,
  CommandReceipt,
  FailureGroup,
  Paged,
  ProviderView,
  QueuesView,
  QueueView,
  RunAttempt,
  RunCommandName,
  RunDetails,
  RunSummary,
  ScheduleView,
  StepView,
  WorkChange,
} from './run-answers.ts'
export { INITIAL_RUN_STATE, type RunningStep, type RunState } from './run-state.ts'
export { type RunEvent, runEvents, runStream } from './run-stream.ts'
export {
  Effect,
  hasEnded,
  RUN_STATUSES,
  RunFault,
  RunProgress,
  RunStatus,
  RunWait,
  StepStatus,
  TimeLeft,
} from './run-view.ts'
export { workStream } from './work-stream.ts'
