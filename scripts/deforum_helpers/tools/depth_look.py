"""What a depth video shows: the values that people choose."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Finding, InputError

WITH_DEPTH, ANIME, MIXED, WITHOUT_DEPTH = "Depth", "Anime Remove Background", "Mixed", "None (just grayscale)"
MODES = (WITH_DEPTH, ANIME, MIXED, WITHOUT_DEPTH)
DEPTH_MODES = (WITH_DEPTH, MIXED)
"""Those that need a depth network."""
THRESHOLDINGS = ("None", "Simple", "Simple (Auto-value)", "Adaptive (Mean)", "Adaptive (Gaussian)")


@dataclass(frozen=True)
class DepthLook:
    """What a depth video shows.

    Attributes:
        mode: one of ``MODES``: depth; anime characters, white on black; the depth of anime characters, on black; or
            the brightness of the video.
        network: the depth network, a value of the setting ``depth_algorithm``.
        closer_is_brighter: near things are white; if not, far ones are. Only depth knows near and far.
        thresholding: one of ``THRESHOLDINGS``: greys, or two levels, black and ``upper``. "Simple" parts them at
            ``lower``, "Simple (Auto-value)" where Otsu's method finds it best in each frame, the adaptive ones at the
            (weighted) mean of the ``block_size`` pixels around, less ``c``.
        lower: 0..255.
        upper: 0..255.
        block_size: pixels, odd, from 3 on.
        c: levels, of either sign.
        blur: width in pixels by which the result is softened at the end; 0 for not at all.

    Raises:
        InputError: a value is none of these.
    """

    mode: str = WITH_DEPTH
    network: str = "Midas-3-Hybrid"
    closer_is_brighter: bool = True
    thresholding: str = "None"
    lower: int = 127
    upper: int = 255
    block_size: int = 11
    c: float = 2
    blur: int = 0

    def __post_init__(self) -> None:
        wrong = [
            Finding("error", text, label)
            for label, is_right, text in (
                ("Mode", self.mode in MODES, f"{self.mode!r} is none of {', '.join(MODES)}."),
                (
                    "Thresholding Mode",
                    self.thresholding in THRESHOLDINGS,
                    f"{self.thresholding!r} is none of {', '.join(THRESHOLDINGS)}.",
                ),
                *((name, 0 <= level <= 255, f"a level is from 0 to 255, got {level}.") for name, level in self._levels),
                (
                    "Block size",
                    self.block_size % 2 == 1 and 3 <= self.block_size <= 999,
                    f"a block has an odd number of pixels from 3 to 999, got {self.block_size}.",
                ),
                ("End blur width", 0 <= self.blur <= 255, f"a blur is 0 to 255 pixels wide, got {self.blur}."),
            )
            if not is_right
        ]
        if wrong:
            raise InputError(wrong)

    @property
    def shows_depth(self) -> bool:
        """Whether a depth network is needed."""
        return self.mode in DEPTH_MODES

    @property
    def cuts_out(self) -> bool:
        """Whether only anime characters are seen."""
        return self.mode in (ANIME, MIXED)

    @property
    def _levels(self) -> tuple[tuple[str, int], ...]:
        return ("Threshold Value Lower", self.lower), ("Threshold Value Upper", self.upper)
