"""Types for the values that attackers bend, one file each: contract, messages, JSON schema, source.

A type is `Annotated[str, …]`: the application goes on working with plain strings.
"""
