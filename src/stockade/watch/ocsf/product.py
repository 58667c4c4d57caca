"""What OCSF is told of the product that made an event."""

from __future__ import annotations

from stockade.core.version import VERSION as OURS

__all__ = ["SERVICE", "VERSION", "product"]

VERSION = "1.8.0"
"""Of OCSF."""
SERVICE = "Stockade"


def product() -> dict[str, str]:
    """OCSF's `product`."""
    return {"name": SERVICE, "vendor_name": SERVICE, "version": OURS}
