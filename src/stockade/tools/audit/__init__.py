"""What `stockade audit` does: verify a log, prove an entry, take a checkpoint, ask a witness.

`places` finds log, keys and kept checkpoints; `command` does the work; `report` says what came of
it. Standard output has what was asked for, standard error what went wrong.
"""
