from __future__ import annotations


class DropdownMulti:
    pass
