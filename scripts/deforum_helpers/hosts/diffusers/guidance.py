"""What a pipeline cannot say to a UNet itself: several prompts at once, other prompts later, the masked picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from .prompts import Conditions


class Guide:
    """Stands at the door of a UNet during one picture.

    A pipeline asks the UNet for two answers, without and with the prompt. Where the prompt has several parts, the guide
    asks for one more per part and answers with their mixture, so that classifier-free guidance gives
    ``uncond + cfg·Σ weight·(cond - uncond)``, as composable diffusion does (Liu et al. 2022) and A1111 with it.

    Args:
        unet: the network.
        conditions: of the steps, or None where the pipeline's own are right.
        surroundings: 1×5×h×w mask and masked picture for UNets of 9 channels, or None.

    Attributes:
        step: the step that is being done, set from outside.
    """

    def __init__(self, unet: Any, conditions: Conditions | None, surroundings: Any = None) -> None:
        self.step = 0
        self._unet = unet
        self._conditions = conditions
        self._surroundings = surroundings

    @contextmanager
    def attached(self) -> Iterator[None]:
        """While inside, the guide is asked."""
        if self._conditions is None and self._surroundings is None:
            yield
            return
        handles = [
            self._unet.register_forward_pre_hook(self._before, with_kwargs=True),
            self._unet.register_forward_hook(self._after, with_kwargs=True),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _before(self, _module: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        sample, *rest = inputs
        if self._conditions is not None:
            positive, negative = self._now()
            sample = _spread(sample, len(positive))
            named = dict(named)
            words = [negative.words, *(item.words for _, item in positive)]
            named["encoder_hidden_states"] = torch.cat(words).to(named["encoder_hidden_states"])
            added = named.get("added_cond_kwargs")
            if added and "text_embeds" in added:
                wholes = torch.cat([negative.whole, *(item.whole for _, item in positive)])
                times = _spread(added["time_ids"], len(positive))
                named["added_cond_kwargs"] = {
                    **added,
                    "text_embeds": wholes.to(added["text_embeds"]),
                    "time_ids": times,
                }
            self._spread_residuals(named, len(positive))
        if self._surroundings is not None:
            around = self._surroundings.to(sample).expand(sample.shape[0], -1, -1, -1)
            sample = torch.cat([sample, around], dim=1)
        return (sample, *rest), named

    def _after(self, _module: Any, _inputs: Any, _named: Any, output: Any) -> Any:
        if self._conditions is None:
            return None
        positive, _ = self._now()
        without, parts = output[0][:1], output[0][1:]
        weights = torch.tensor([weight for weight, _ in positive]).to(parts).reshape(-1, 1, 1, 1)
        mixture = without + ((parts - without) * weights).sum(dim=0, keepdim=True)
        return (torch.cat([without, mixture]),)

    def _now(self) -> tuple[Any, Any]:
        assert self._conditions is not None  # noqa: S101 - for the type checker; callers have looked
        step = min(self.step, len(self._conditions.positive) - 1)
        return self._conditions.positive[step], self._conditions.negative[step]

    @staticmethod
    def _spread_residuals(named: dict[str, Any], parts: int) -> None:
        """What ControlNet says of the prompt is said of each of its parts."""
        several = named.get("down_block_additional_residuals")
        if several is not None:
            named["down_block_additional_residuals"] = [_spread(residual, parts) for residual in several]
            named["mid_block_additional_residual"] = _spread(named["mid_block_additional_residual"], parts)


def _spread(pair: Any, parts: int) -> Any:
    """The first of a pair, and its last once per part."""
    return torch.cat([pair[:1], *[pair[-1:]] * parts])
