from __future__ import annotations

from threading import Lock

queue_lock = Lock()
