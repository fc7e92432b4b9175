"""Deforum with Neo Core: a settings file and, optionally, a Parseq manifest become a synchronised video.

Importing this package loads nothing heavy; see ``docs/architecture.md`` for the rooms and their layers.
"""

__version__ = "0.1.0"
