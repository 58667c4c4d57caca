"""The range: deliberately weak endpoints, each beside its safe twin. **Loopback only.**

    python -m uvicorn examples.range:app --host 127.0.0.1

What `stockade attack` and the firewall are measured on. Below `/weak` an attack does what it says:
it reads the table of passwords, runs a command, opens the secret file. Below `/safe` the same task
is done right, and no attack may work there. Below `/reach` stand weaknesses that no firewall at the
sink can see; the description of each names the reason (`x-stockade-out-of-reach`), and `attack`
counts them apart.

One file a sink: `sql` (the driver), `sql_writes`, `sql_alchemy`, `shell`, `path`; `transformed` for
values that the application decodes first; `out_of_reach`; `data` for what there is to steal;
`loopback` for why it does not start anywhere else.
"""

from examples.range.application import app

__all__ = ["app"]
