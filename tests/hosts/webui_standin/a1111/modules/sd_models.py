from __future__ import annotations

from types import SimpleNamespace

from . import shared


def _info(name, sha):
    return SimpleNamespace(title=f"{name}.safetensors [{sha}]", ids=[name, f"{name}.safetensors", sha])


checkpoints_list = {}
checkpoint_aliases = {}
for _name, _sha in (("first", "1111111111"), ("second", "2222222222")):
    _checkpoint = _info(_name, _sha)
    checkpoints_list[_checkpoint.title] = _checkpoint
    checkpoint_aliases.update(dict.fromkeys([*_checkpoint.ids, _checkpoint.title], _checkpoint))

loaded = []
calls = []
model_data = SimpleNamespace(sd_model=None)


def send_model_to_cpu(m):
    calls.append(("cpu", m))


def send_model_to_device(m):
    calls.append(("device", m))


def get_closet_checkpoint_match(search_string):
    return next((info for title, info in checkpoints_list.items() if search_string and search_string in title), None)


def reload_model_weights(sd_model=None, info=None):
    wanted = info or checkpoint_aliases[shared.opts.sd_model_checkpoint]
    if not loaded or loaded[-1] != wanted.title:
        loaded.append(wanted.title)
