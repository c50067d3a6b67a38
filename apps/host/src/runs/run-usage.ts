export const USAGE = `holdfast run <what to do> … [--json]

  Runs of the server that runs on DATA_DIR: work that outlives its process.

  list [filters]               the newest first
      --status --kind --queue  which, several with commas between: --status queued,working
      --waiting-for            event, sleep, retry, provider, child, decision, paused, version or parked
      --search <text>          the name of a kind, how an id begins, or words of an error
      --sort                   newest, oldest, longest or priority
      --limit <n>              50 without it
  show <id>                    all about one: how it stands and why, its steps, attempts and what it takes now
  start <kind>                 starts one and prints its id
      --input <json>|-         what its kind asks for; - reads it from standard input; {} without it
      --key <key>              a second start with it gives the same run
      --queue <name> --priority <seconds> --delay <seconds> --version <n>
      --watch                  and watches it
  watch <id>                   follows it live to its end. Ctrl-C ends the watching, never the run
  cancel | pause | resume <id>
  retry <id>                   tries it again, as a new run that reuses finished steps
      --from failed|start      start does every step again
      --input <json>|-         with another input
      --watch                  and watches the new one
  steer <id> <message>         a message to it
  approve | reject <id>        [--comment <text>]
  answer <id> <name> [<json>]  the word of that name that it waits for
  decide <id> <step> done|repeat|fail   [--output <json>] what became of a step nobody knows it of
  move <id>                    its place in the queue: --before <id>, --after <id> or --priority <seconds>

  --revision <n>   of everything that is said to a run: only if it still stands as it was shown with that revision
  --json           lines of JSON and nothing else; watch: each event as it was received, and last {"type":"summary",…}

  Exit codes: 0 done, 1 the run failed, or it could not be done, 2 wrong usage, 3 the run was cancelled, 4 it does not fit
  how the run stands (it has ended, or it has changed), 130 Ctrl-C
`
