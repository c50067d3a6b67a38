import { lstat } from 'node:fs/promises'
import path from 'node:path'
import { GitignoreStack, readGitignore } from './gitignore.ts'
import type { PathGuard } from './path-guard.ts'

export interface RulesAbove {
  rules: GitignoreStack
  /** Where the root lies below the folder the rules count from: empty, or with a slash behind it. */
  prefix: string
}

export const NO_RULES: RulesAbove = { rules: GitignoreStack.empty, prefix: '' }

/**
 * Rules from above a root, up to the top of the git work tree it lies in, but never from outside the allowed roots:
 * who names `shop/packages/cart` does not expect its `node_modules` only because the rule stands in `shop/.gitignore`.
 * A folder these rules would leave out was named on purpose: then they do not count.
 */
export async function gitignoreAbove(root: string, guard: PathGuard): Promise<RulesAbove> {
  const folders = await foldersAbove(root, await guard.rootOf(root))
  const top = folders[0]
  if (top === undefined) return NO_RULES
  let rules = GitignoreStack.empty
  for (const folder of folders) {
    const name = below(top, folder)
    if (rules.ignores(name, true)) return NO_RULES
    rules = rules.enter(name, await readGitignore(folder))
  }
  const name = below(top, root)
  return rules.ignores(name, true) ? NO_RULES : { rules, prefix: `${name}/` }
}

/** From the top of the work tree down to the folder above the root; none where there is no work tree to see. */
async function foldersAbove(root: string, allowed: string | null): Promise<string[]> {
  const folders: string[] = []
  for (let folder = root; !(await isWorkTree(folder)); folder = path.dirname(folder)) {
    if (allowed === null || folder === allowed || folder === path.dirname(folder)) return []
    folders.unshift(path.dirname(folder))
  }
  return folders
}

async function isWorkTree(folder: string): Promise<boolean> {
  return lstat(path.join(folder, '.git')).then(
    () => true,
    () => false,
  )
}

function below(top: string, folder: string): string {
  return path.relative(top, folder).split(path.sep).join('/')
}
