"""OpenCV, untyped: its type stubs know neither element types nor left-out arguments, and differ between releases."""

from __future__ import annotations

from typing import Any

import cv2

cv: Any = cv2
