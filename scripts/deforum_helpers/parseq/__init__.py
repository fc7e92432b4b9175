"""Parseq manifests: loading them, and who manages what."""
