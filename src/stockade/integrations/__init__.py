"""Request life cycles only, one file a framework or server interface; each imports `core` alone.

An integration makes the request's context, asks the gate, reads the untrusted inputs when a sink
asks for them, gives refusals as problem documents and publishes one access event a request.
"""
