"""How the API is set up."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .. import __version__
from ..jobs.access import Access

HARMLESS_OPTIONS = frozenset(
    {
        *(
            "sd_model_checkpoint",
            "sd_vae",
            "CLIP_stop_at_last_layers",
            "eta_ddim",
            "eta_ancestral",
            "eta_noise_seed_delta",
        ),
        *("img2img_fix_steps", "initial_noise_multiplier", "img2img_color_correction", "upcast_attn"),
        *("deforum_keep_3d_models_in_vram", "deforum_ffmpeg_crf", "deforum_ffmpeg_preset", "deforum_preview"),
        *("deforum_save_gen_info_as_srt", "deforum_embed_srt", "deforum_save_gen_info_as_srt_params"),
        "deforum_preview_interval_frames",
    }
)
"""Options of the host that name no file, folder or program."""


@dataclass(frozen=True)
class ApiConfig:
    """What the routes are and what they let through.

    Attributes:
        out: folder of all runs; no file outside is served.
        access: what requests may reach.
        token: what every request must carry, as ``Authorization: Bearer TOKEN``; empty for none.
        batches: whether there are the routes below ``/deforum_api``.
        simple: whether there are those below ``/deforum``.
        options: options of the host that ``options_overrides`` may change.
        origins: web pages of other servers that may use the API from a browser, such as ``https://example.org``; "*"
            for any.
        origin_pattern: a regular expression for more of them, which has to fit as a whole; empty for none.
        names: by which the server may be addressed; any if empty. A server that only this computer shall reach must
            refuse all others, for pages in the user's browser can give it names of their own.
        most_bytes: of the body of a request.
        most_jobs: in a batch.
        version: what ``/deforum/version`` says.
    """

    out: Path
    access: Access = field(default_factory=Access)
    token: str = ""
    batches: bool = True
    simple: bool = True
    options: frozenset[str] = HARMLESS_OPTIONS
    origins: frozenset[str] = frozenset()
    origin_pattern: str = ""
    names: frozenset[str] = frozenset()
    most_bytes: int = 32 << 20
    most_jobs: int = 100
    version: str = __version__

    @property
    def welcomes_others(self) -> bool:
        """Whether pages of any other server may use the API."""
        return bool(self.origins or self.origin_pattern)
