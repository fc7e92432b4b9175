"""Errands: what reads or fills the whole page, such as saving and loading settings, or starting a run.

A page of gradio takes longer to appear with every component that a listener names, and a listener to all settings names
all of them. So there is one for all errands: a button writes down what it wants, and that is done.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import DeforumError
from . import compat
from .findings_view import error_html, findings_html
from .sections import Page
from .status_view import said_html
from .values import Draft


@dataclass(frozen=True)
class Done:
    """What came of an errand.

    Attributes:
        said: HTML for the user.
        draft: settings for the page; None leaves it as it is.
        run: updates of what shows how a run stands; None leaves it as it is.
    """

    said: str
    draft: Draft | None = None
    run: Sequence[Any] | None = None

    @classmethod
    def loaded(cls, draft: Draft, source: str) -> Done:
        """Settings that were loaded from ``source``."""
        return cls(said_html(f"Loaded {source}.") + findings_html(draft.findings), draft)


Errand = Callable[[Draft, Sequence[str]], Done]
"""Gets the settings that stand in the page and the texts that came with the request. Its DeforumErrors are shown."""


class Errands:
    """Errands by name.

    Args:
        page: which page they are for.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._known: dict[str, tuple[Errand, bool]] = {}

    def on(
        self, event: Any, name: str, errand: Errand, inputs: Sequence[compat.Component], *, reads: bool = False
    ) -> None:
        """Do an errand when something happens.

        Args:
            event: the listener of a component.
            name: unique.
            errand: what to do.
            inputs: components whose texts go with the request; files go as their paths.
            reads: whether it needs the settings of the page, so that they have to be right.
        """
        self._known[name] = (errand, reads)
        compat.listen(event, lambda *given: [request(name, *given)], inputs, [self._page.errand])

    def connect(self, said: compat.Component, watched: Sequence[compat.Component]) -> None:
        """Listen to requests; ``said`` shows what came of them, ``watched`` how a run stands."""
        page, still = self._page, [compat.same() for _ in watched]

        def run(asked: str, *given: Any) -> list[Any]:
            wanted = json.loads(asked or "{}")
            done = self._done(wanted, given)
            filled = page.unchanged() if done.draft is None else page.fill(done.draft)
            return [_answer(wanted, done.said), *(still if done.run is None else done.run), *filled]

        outputs = [said, *watched, *page.outputs]
        compat.listen(page.errand.change, run, [page.errand, *page.inputs], outputs, raw=True, once=True)

    def _done(self, wanted: Mapping[str, Any], given: Sequence[Any]) -> Done:
        errand, reads = self._known.get(str(wanted.get("errand")), (_nothing, False))
        try:
            return errand(self._page.draft(given) if reads else Draft(), wanted.get("given", ()))
        except DeforumError as error:
            return Done(error_html(error))


def _nothing(_: Draft, _given: Sequence[str]) -> Done:
    return Done("")


def _answer(wanted: Mapping[str, Any], said: str) -> str:
    """What is said, and to which request: the script shows by it which button still waits."""
    return f'{said}<span hidden data-answer="{int(wanted.get("at", 0))}"></span>'


def request(name: str, *given: Any) -> str:
    """The text that asks for an errand; never the same twice."""
    return json.dumps({"errand": name, "given": [compat.path_of(each) for each in given], "at": time.time_ns()})
