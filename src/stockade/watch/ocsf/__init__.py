"""OCSF 1.8: the same events in the schema that security data lakes and SIEMs share.

    from stockade.watch.ocsf import to_ocsf
    to_ocsf(event)["class_uid"]      # 4002, HTTP Activity

`watch.format = "ocsf"` writes the event log so, and `stockade events tail --format ocsf` reads any
event log so. Which event is which class: docs/reference/ocsf.md, made by
`python -m stockade.watch.ocsf`. The audit log stays as it is: it is evidence.

Source: ocsf/ocsf-schema, version 1.8.0; the tests check every event against its published rules.
"""

from stockade.watch.ocsf.convert import to_ocsf
from stockade.watch.ocsf.lines import OcsfLines
from stockade.watch.ocsf.product import VERSION

__all__ = ["VERSION", "OcsfLines", "to_ocsf"]
