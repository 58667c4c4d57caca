"""What the firewall misses today and should not; a test that names one fails once it is closed."""

from __future__ import annotations
