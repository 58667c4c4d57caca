"""What all parts share: events, the bus, the request context, settings, secrets, errors, ports.

`core` imports no part. Parts meet through the Protocols of `core.ports`; only `stockade.app` joins
them.
"""
