"""Cut the published OCSF schema down to what the tests check our events against.

scripts/ocsf_schema.py EXPORT.json > tests/watch/ocsf/schema-1.8.0.json

EXPORT.json is the compiled schema that OCSF publishes for a version (`/1.8.0/export/v2/schema` on
the project's schema server; the PyPI package ocsf-json-schema holds a copy). Apache-2.0, by the
Open Cybersecurity Schema Framework. Kept are rules; descriptions are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

CLASSES = (
    "account_change",
    "api_activity",
    "application_error",
    "application_lifecycle",
    "authentication",
    "detection_finding",
    "entity_management",
    "file_hosting",
    "http_activity",
    "user_access",
)
OBJECTS = (
    "actor",
    "analytic",
    "api",
    "attack",
    "evidences",
    "file",
    "finding_info",
    "firewall_rule",
    "http_request",
    "http_response",
    "managed_entity",
    "metadata",
    "network_endpoint",
    "object",
    "observable",
    "product",
    "request",
    "resource_details",
    "service",
    "session",
    "sub_technique",
    "technique",
    "trace",
    "url",
    "user",
)
KEPT = ("type", "object_type", "is_array", "requirement", "profiles", "sibling")


def attribute(given: dict[str, Any]) -> dict[str, Any]:
    kept = {key: given[key] for key in KEPT if key in given}
    if "enum" in given:
        kept["enum"] = {value: each["caption"] for value, each in given["enum"].items()}
    if "@deprecated" in given:
        kept["deprecated"] = True
    return kept


def item(given: dict[str, Any]) -> dict[str, Any]:
    kept = {key: given[key] for key in ("uid", "category_uid", "constraints") if key in given}
    return kept | {"attributes": {k: attribute(v) for k, v in sorted(given["attributes"].items())}}


def main() -> None:
    schema = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    types = schema["dictionary"]["types"]["attributes"]
    kept = {
        "source": "ocsf/ocsf-schema, compiled export; Apache-2.0; cut by scripts/ocsf_schema.py",
        "version": schema["version"],
        "profiles": sorted(schema["profiles"]),
        "types": {
            name: {k: v for k, v in each.items() if k in ("type", "regex", "range", "max_len")}
            for name, each in types.items()
        },
        "classes": {name: item(schema["classes"][name]) for name in CLASSES},
        "objects": {name: item(schema["objects"][name]) for name in OBJECTS},
    }
    json.dump(kept, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
