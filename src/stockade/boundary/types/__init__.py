"""Types for the values that attackers bend, one file each: contract, messages, JSON schema, source.

A type is `Annotated[str, …]` wherever text is what it stays: the application goes on working with
plain strings. Bytes, exact numbers, documents and secrets come out as what they are.
"""
