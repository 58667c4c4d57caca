"""The audit log: append-only, signed, and such that edits show.

It is a transparency log after C2SP: `tlog-tiles` is the layout, `signed-note` and
`tlog-checkpoint` what is signed, `tlog-proof` what proves an entry offline, `tlog-witness` how
others vouch for it. Choose:

- `AuditTrail` writes it; hand its `append` to the bus.
- `Tree` and `Proof` prove that an entry is in it, or that it only grew.
- `verify` reads all of it, against a checkpoint that was taken earlier.

What it shows and what not: whoever holds an earlier checkpoint detects every edit of what that
covers. Whoever holds the signing key can make another log; so checkpoints have to leave the host.
"""
