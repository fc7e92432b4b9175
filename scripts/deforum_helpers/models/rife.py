"""RIFE, version 4.6: the network of Huang et al. 2022 ("Real-Time Intermediate Flow Estimation") as PyTorch module.

Four blocks look at two pictures, each at twice the resolution of the one before, and refine what the moment between
them is made of: for each pixel where it is in the first picture, where in the second, and how much each of them counts.
Names of parameters are those of the published weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import RunError, first_line
from .torch_runtime import random_state_kept, read_tensors

WIDTHS = (192, 128, 96, 64)
"""Channels of each block in the published weights."""

_PICTURES = 3 + 3 + 1
"""Channels that the first block sees: two pictures and the time."""
_REFINED = _PICTURES + 1 + 4
"""Channels that the others see: the same, the mask and both flows."""
_SHRUNK = (8, 4, 2, 1)
"""How many times smaller each block sees the pictures."""
_DEPTH = 8
_SPREAD = 2
"""The pixel shuffle at the end of a block makes its answer this many times larger."""
_ANSWER = 6
"""Channels of an answer: two flows, the mask, and one that is not used."""

MULTIPLE = 32
"""The sides of the pictures are multiples of this, at full scale."""


def load_rife(torch: Any, path: Path) -> Any:
    """The network of the weights in ``path``, on the CPU; it is as wide as they are.

    Raises:
        RunError: they cannot be read, or are those of another network.
    """
    try:
        held = read_tensors(torch, path)
        weights = {str(name).removeprefix("module."): value for name, value in held.items()}
        widths = [weights[f"block{index}.convblock.0.beta"].shape[1] for index in range(len(_SHRUNK))]
        with random_state_kept():
            network = ifnet(torch, widths)
        known = network.state_dict()
        network.load_state_dict({name: weights[name].float() for name in known})
    except KeyError as error:
        raise RunError(f"{path} does not hold the weights of RIFE 4.6: there is no {error}.") from error
    except Exception as error:
        raise RunError(f"The weights in {path} cannot be read: {first_line(error)}") from error
    return network


def ifnet(torch: Any, widths: Sequence[int] = WIDTHS) -> Any:  # noqa: C901 - its classes need what is imported late
    """The network with random weights.

    Called with two pictures, N×3×h×w in 0..1, sides multiples of ``MULTIPLE / scale``, ``time`` from 0 (the first) to 1
    and ``scale``, 0.5 for pictures so large that motion would exceed what the blocks see. Answers with N×3×h×w.
    """
    nn, functional = torch.nn, torch.nn.functional

    def convolution(channels: int, made: int) -> Any:
        return nn.Sequential(nn.Conv2d(channels, made, 3, 2, 1), nn.LeakyReLU(0.2))

    def resized(values: Any, factor: float) -> Any:
        return values if factor == 1 else functional.interpolate(values, scale_factor=factor, mode="bilinear")

    class Residual(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, channels, 3, 1, 1)
            self.beta = nn.Parameter(torch.ones(1, channels, 1, 1))

        def forward(self, values: Any) -> Any:
            return functional.leaky_relu(self.conv(values) * self.beta + values, 0.2)

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, channels: int, width: int) -> None:
            super().__init__()
            self.conv0 = nn.Sequential(convolution(channels, width // 2), convolution(width // 2, width))
            self.convblock = nn.Sequential(*(Residual(width) for _ in range(_DEPTH)))
            made = _ANSWER * _SPREAD**2
            self.lastconv = nn.Sequential(nn.ConvTranspose2d(width, made, 4, 2, 1), nn.PixelShuffle(_SPREAD))

        def forward(self, seen: Any, flow: Any, shrunk: float) -> tuple[Any, Any]:
            seen = resized(seen, 1 / shrunk)
            if flow is not None:
                # Distances shrink with the picture.
                seen = torch.cat((seen, resized(flow, 1 / shrunk) / shrunk), 1)
            answer = resized(self.lastconv(self.convblock(self.conv0(seen))), shrunk)
            return answer[:, :4] * shrunk, answer[:, 4:5]

    class IFNet(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            for index, width in enumerate(widths):
                self.add_module(f"block{index}", Block(_REFINED if index else _PICTURES, width))

        def forward(self, first: Any, second: Any, time: float = 0.5, scale: float = 1.0) -> Any:
            moment = torch.full_like(first[:, :1], time)
            blocks = list(self.children())
            flow, mask = blocks[0](torch.cat((first, second, moment), 1), None, _SHRUNK[0] / scale)
            for block, shrunk in zip(blocks[1:], _SHRUNK[1:], strict=True):
                moved = (_moved(torch, first, flow[:, :2]), _moved(torch, second, flow[:, 2:4]))
                more, change = block(torch.cat((*moved, moment, mask), 1), flow, shrunk / scale)
                flow, mask = flow + more, mask + change
            share = torch.sigmoid(mask)
            before, after = _moved(torch, first, flow[:, :2]), _moved(torch, second, flow[:, 2:4])
            return before * share + after * (1 - share)

    return IFNet()


def _moved(torch: Any, image: Any, flow: Any) -> Any:
    """``image`` as seen through ``flow``: pixel p shows what is at p + flow(p), or at the border before it."""
    height, width = image.shape[2:]
    # Positions need more digits than 16 bits have.
    across = torch.arange(width, device=image.device, dtype=torch.float32)
    down = torch.arange(height, device=image.device, dtype=torch.float32)
    flow = flow.float()
    x = (across[None, None, :] + flow[:, 0]) * (2 / max(width - 1, 1)) - 1
    y = (down[None, :, None] + flow[:, 1]) * (2 / max(height - 1, 1)) - 1
    seen = torch.nn.functional.grid_sample(
        image.float(), torch.stack((x, y), 3), mode="bilinear", padding_mode="border", align_corners=True
    )
    return seen.to(image.dtype)
