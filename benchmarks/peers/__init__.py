"""What other products cost, beside Stockade in the same run: `python -m benchmarks --peers`.

Aikido Zen is AGPL and guards by patching whatever is imported after it. So each product runs in
`.venv-peers` (`make .venv-peers/.ready`), in a process of its own, beside the same application bare
in the same environment; nothing of them is imported here. Before anything is measured, an attack
must be answered by the bare application and stopped by the product: one that is not at work would
look cheap.

`measure` runs here; `products`, `flask_worker` and `fastapi_server` run there, and import nothing
of Stockade.
"""
