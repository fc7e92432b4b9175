"""Frozen dataclasses of the plan, and the functions that build them from settings and manifest."""
