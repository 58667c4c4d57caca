"""Archives read strictly, by readers of our own: what is checked is what is written.

A second reader behind a check reads some other archive than the check did; that is how most tricks
with archives work. So `zipped` and `tarred` read one dialect each, as plain as archivers write it,
`inflate` never gives more than was asked for, and one `Budget` counts for all that is nested.
"""
