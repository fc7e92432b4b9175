"""What is on display: the conditions of the settings, read once, evaluated for values, and who depends on whom."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..errors import SettingsError
from ..settings.schema import SETTINGS
from ..settings.uses import SWITCHED

Values = Mapping[str, Any]
"""Values by settings key."""

_MASK = (
    "use_alpha_as_mask",
    "mask_file",
    "invert_mask",
    "mask_contrast_adjust",
    "mask_brightness_adjust",
    "overlay_mask",
    "mask_overlay_blur",
    "fill",
    "full_res_mask",
    "full_res_mask_padding",
)
_WITHOUT_EFFECT: Mapping[str, tuple[str, ...]] = {
    "use_mask": _MASK,
    "use_mask or use_mask_video": ("mask_schedule",),
    "use_init": ("init_image", "init_image_box"),
    "use_looper": ("init_images",),
    "use_mask_video": ("video_mask_path",),
    "use_depth_warping": ("depth_algorithm", "midas_weight"),
    "resume_from_timestring": ("resume_timestring",),
    "add_soundtrack == 'File'": ("soundtrack_path",),
    "r_upscale_video": ("r_upscale_factor", "r_upscale_model", "r_upscale_keep_imgs"),
    "reroll_blank_frames == 'reroll'": ("reroll_patience",),
    "not use_init": ("strength_0_no_init",),
}
"""Condition -> settings that have no effect without it, besides what the schema and the linter know."""

_COMPARE: Mapping[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda value, among: value in among,
    ast.NotIn: lambda value, among: value not in among,
}


@dataclass(frozen=True)
class Condition:
    """A condition over settings, such as ``use_mask and fill == 'original'``.

    Attributes:
        text: as written, in Python syntax.
        keys: the settings it looks at.
    """

    text: str
    keys: frozenset[str]
    _tree: ast.expr

    def __call__(self, values: Values) -> bool:
        """Whether it holds. A comparison with a value that is missing or of another kind does not."""
        return bool(_value(self._tree, values))


_SETTINGS = frozenset(SETTINGS)


@cache
def condition(text: str, known: frozenset[str] = _SETTINGS) -> Condition:
    """Read a condition: comparisons, ``in``, and/or/not, names of settings, literals.

    Args:
        text: as written.
        known: the names it may look at.

    Raises:
        SettingsError: it has anything else in it, or the name of no setting.
    """
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise SettingsError(f"the condition {text!r} cannot be read: {error.msg}.") from error
    names = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    strangers = names - known
    if strangers:
        raise SettingsError(f"the condition {text!r} names no setting with {', '.join(sorted(strangers))}.")
    return Condition(text, names, tree)


def conditions(keys: Iterable[str]) -> dict[str, Condition]:
    """Key -> when it is on display, for those of ``keys`` that are not always."""
    texts: dict[str, list[str]] = {}
    for key in keys:
        texts[key] = [SETTINGS[key].visible_when] if SETTINGS[key].visible_when else []
    for switch, switched in (*SWITCHED.items(), *_WITHOUT_EFFECT.items()):
        for key in switched:
            if key in texts:
                texts[key].append(switch)
    return {key: condition(_all_of(parts)) for key, parts in texts.items() if parts}


def none_of(parts: Iterable[Condition]) -> Condition:
    """Holds if none of ``parts`` does."""
    return condition(" and ".join(f"not ({text})" for text in dict.fromkeys(part.text for part in parts)))


def groups(rules: Mapping[Any, Condition]) -> list[list[Any]]:
    """The names of ``rules``, in groups of those whose conditions hang together: no two groups look at the same key."""
    found: list[tuple[frozenset[str], list[Any]]] = []
    for name, rule in rules.items():
        related = [group for group in found if group[0] & rule.keys]
        keys = rule.keys.union(*(group[0] for group in related))
        names = [other for group in related for other in group[1]]
        found = [*(group for group in found if group not in related), (keys, [*names, name])]
    return [names for _, names in found]


def _all_of(parts: list[str]) -> str:
    unique = list(dict.fromkeys(parts))
    return unique[0] if len(unique) == 1 else " and ".join(f"({part})" for part in unique)


def _value(node: ast.expr, values: Values) -> Any:
    if isinstance(node, ast.BoolOp):
        parts = (_value(part, values) for part in node.values)
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _value(node.operand, values)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _compare(node, values)
    if isinstance(node, ast.Name):
        return values.get(node.id)
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(part, values) for part in node.elts]
    if isinstance(node, ast.Constant):
        return node.value
    raise SettingsError(f"a condition cannot have {ast.unparse(node)!r} in it.")


def _compare(node: ast.Compare, values: Values) -> bool:
    left, right = _value(node.left, values), _value(node.comparators[0], values)
    try:
        return bool(_COMPARE[type(node.ops[0])](left, right))
    except TypeError:
        return False
