import type { Article } from './prose.ts'
import type { Random } from './random.ts'

/** What a template fills in: identifiers from the subject's terms, comments from its sentences. */
interface Parts {
  /** `Nectar` */
  type: string
  /** `nectar` */
  name: string
  other: string
  limit: number
  comment: string
  note: string
}

type Template = (parts: Parts) => string

// Each makes one unit of 10 to 25 lines; a file is a few of them one after the other.
const UNITS: Record<string, Template> = {
  ts: ({ type, name, other, limit, comment, note }) => `/** ${comment} */
export interface ${type} {
  ${other}: number
  recordedAt: string
}

/** ${note} */
export class ${type}Book {
  readonly #entries: ${type}[] = []

  add(${name}: ${type}): boolean {
    if (this.#entries.length >= ${limit}) return false
    this.#entries.push(${name})
    return true
  }

  mean(): number {
    const sum = this.#entries.reduce((total, entry) => total + entry.${other}, 0)
    return this.#entries.length === 0 ? 0 : sum / this.#entries.length
  }
}
`,
  tsx: ({ type, name, other, limit, comment }) => `import { useState } from 'react'

/** ${comment} */
export function ${type}Counter({ ${other} }: { ${other}: number }) {
  const [${name}, set${type}] = useState(${other})
  const isFull = ${name} >= ${limit}
  return (
    <button type="button" disabled={isFull} onClick={() => set${type}(${name} + 1)}>
      {isFull ? 'Full' : \`${type}: \${${name}}\`}
    </button>
  )
}
`,
  js: ({ type, name, other, limit, comment }) => `// ${comment}
const ${name}Limit = ${limit}

function count${type}(entries) {
  const counts = new Map()
  for (const entry of entries) {
    const seen = counts.get(entry.${other}) ?? 0
    if (seen < ${name}Limit) counts.set(entry.${other}, seen + 1)
  }
  return counts
}

module.exports = { count${type} }
`,
  py: ({ type, name, other, limit, comment, note }) => `class ${type}:
    """${comment}"""

    LIMIT = ${limit}

    def __init__(self, ${other}):
        self.${other} = ${other}
        self.entries = []

    def add(self, ${name}):
        # ${note}
        if len(self.entries) >= self.LIMIT:
            raise ValueError("too many entries of ${name}")
        self.entries.append(${name})
        return self

    def mean(self):
        return sum(self.entries) / len(self.entries) if self.entries else 0.0
`,
  go: ({ type, name, other, limit, comment }) => `// ${type} says: ${comment}
type ${type} struct {
	${other} int
	seen  map[string]int
}

// Add counts one ${name} and reports whether there was room for it.
func (t *${type}) Add(${name} string) bool {
	if len(t.seen) >= ${limit} {
		return false
	}
	t.seen[${name}]++
	t.${other} += len(${name})
	return true
}
`,
  rs: ({ type, name, other, limit, comment }) => `/// ${comment}
pub struct ${type} {
    ${other}: Vec<u32>,
}

impl ${type} {
    pub const LIMIT: usize = ${limit};

    pub fn push(&mut self, ${name}: u32) -> Result<(), String> {
        if self.${other}.len() >= Self::LIMIT {
            return Err(format!("no room for {${name}}"));
        }
        self.${other}.push(${name});
        Ok(())
    }
}
`,
  java: ({ type, name, other, limit, comment }) => `/** ${comment} */
class ${type} {
    private static final int LIMIT = ${limit};
    private final java.util.List<Integer> ${other} = new java.util.ArrayList<>();

    boolean add(int ${name}) {
        if (${other}.size() >= LIMIT) {
            return false;
        }
        return ${other}.add(${name});
    }

    double mean() {
        return ${other}.stream().mapToInt(Integer::intValue).average().orElse(0);
    }
}
`,
  c: ({ type, name, other, limit, comment }) => `/* ${comment} */
#define ${type.toUpperCase()}_LIMIT ${limit}

struct ${name} {
    int ${other};
    struct ${name} *next;
};

static int ${name}_sum(const struct ${name} *first)
{
    int sum = 0;
    for (int at = 0; first != 0 && at < ${type.toUpperCase()}_LIMIT; at++, first = first->next)
        sum += first->${other};
    return sum;
}
`,
  sh: ({ name, other, limit, comment }) => `# ${comment}
${name}_report() {
  local ${other}="$1"
  if [ "$(wc -l < "$${other}")" -gt ${limit} ]; then
    echo "too many lines in $${other}" >&2
    return 1
  fi
  sort "$${other}" | uniq -c | sort -rn
}
`,
  sql: ({ name, other, limit, comment }) => `-- ${comment}
CREATE TABLE ${name}_${limit} (
  id INTEGER PRIMARY KEY,
  ${other} TEXT NOT NULL,
  recorded_at TEXT NOT NULL
);
CREATE INDEX ${name}_${limit}_by_time ON ${name}_${limit} (recorded_at, ${other});
SELECT ${other}, count(*) FROM ${name}_${limit} GROUP BY ${other} HAVING count(*) > ${limit};
`,
  yaml: ({ name, other, limit, comment, note }) => `# ${comment}
- name: ${name}
  limit: ${limit}
  fields:
    - ${other}
    - recorded_at
  description: >
    ${note}
`,
  css: ({ name, other, limit, comment }) => `/* ${comment} */
.${name} > .${other} {
  margin: ${limit % 32}px;
  color: rgb(${limit % 256} 40 90);
}
`,
}

const FIRST_LINES: Record<string, string> = {
  go: 'package corpus\n\n',
  sh: '#!/bin/sh\nset -eu\n\n',
  c: '#include <stddef.h>\n\n',
}

/** Endings of the source files that can be made. */
export const LANGUAGE_EXTENSIONS = [...Object.keys(UNITS), 'json'] as const

/** A source file of `units` classes, functions, tables or records about the article's subject. */
export function writeCode(extension: string, article: Article, random: Random, units: number): string {
  if (extension === 'json') return writeJson(article)
  const template = UNITS[extension]
  if (!template) throw new RangeError(`no template for .${extension}`)
  const { terms, sentences } = article.subject
  const made = Array.from({ length: units }, (_, index) => {
    const [name = 'entry', other = 'value'] = random.sample(terms, 2)
    const unit = `${name}${index + 1}`
    return template({
      type: unit.charAt(0).toUpperCase() + unit.slice(1),
      name: unit,
      other,
      limit: random.int(10, 999),
      comment: random.pick(sentences),
      note: random.pick(sentences),
    })
  })
  return `${FIRST_LINES[extension] ?? ''}${made.join('\n')}`
}

function writeJson(article: Article): string {
  const { subject, ...rest } = article
  return `${JSON.stringify({ subject: subject.id, ...rest }, null, 2)}\n`
}
