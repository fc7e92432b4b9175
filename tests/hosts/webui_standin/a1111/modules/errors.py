from __future__ import annotations

exception_records = []
