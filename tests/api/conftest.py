"""The API is an extra: without fastapi its tests are left out."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi")
