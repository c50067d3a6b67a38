export { checkHistory, type Violation, type ViolationKind } from './check-history.ts'
export { type Append, canonical, type Delivery, type FinalLog, History, type Reading } from './history.ts'
export { Random } from './random.ts'
