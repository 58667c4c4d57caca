"""Other people's attack tools against the range, bare and behind `stockade run --mode block`.

    make attackers                          every tool, every endpoint it can reach
    python -m benchmarks.attackers --tool sqlmap --only /weak/sql/like/query

sqlmap, Wapiti and XSStrike are GPL: each lives in an environment of its own and runs as a separate
process; nothing of them is imported. Everything stays on the loopback interface, but the range does
what it is told: run it where a command of theirs may do no harm. RECORD.md says what came of it.

One idea a file: `targets` (which endpoints), `service` (the range as a server), `sqlmap`, `wapiti`
and `xsstrike` (how each tool is started and what its own report says), `tampers` (which of
sqlmap's tamper scripts meet which endpoint), `plan` (what is tried), `process` (bounded in time),
`journal` (what came of it, resumable), `report`.
"""
