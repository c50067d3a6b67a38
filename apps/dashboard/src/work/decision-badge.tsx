import { Badge } from '@holdfast/ui'
import { useDecisionCount } from './decisions/decision-count.ts'

/** How many runs wait for a person, beside the place where they are; nothing while none does. */
export default function DecisionBadge() {
  const count = useDecisionCount()
  if (count === 0) return null
  return (
    <Badge tone="waiting">
      <span data-testid="decision-badge">{count > 99 ? '99+' : count}</span>
      <span className="sr-only"> to decide</span>
    </Badge>
  )
}
