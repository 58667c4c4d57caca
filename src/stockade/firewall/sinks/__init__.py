"""Where Python hands text to an interpreter: one file a sink.

Each has `install(guards)`, which may be called again and works in any import order, or says loudly
what came too early, and `uninstall()`.
"""
