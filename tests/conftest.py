"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# The machine's load must not decide whether a test passes.
settings.register_profile("deforum", deadline=None)
settings.load_profile("deforum")
