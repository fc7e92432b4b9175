from __future__ import annotations

calls = []


def stop_program():
    calls.append("stop_program")
