from __future__ import annotations

from types import SimpleNamespace

from .options import OptionInfo, Options
from .shared_options import templates
from .shared_state import State

__all__ = ["OptionInfo", "cmd_opts", "opts", "sd_model", "state"]

cmd_opts = SimpleNamespace(lowvram=False, medvram=False, medvram_sdxl=False)
opts = Options(templates())
state = State()
sd_model = object()
