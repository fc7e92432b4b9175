"""Run by web UIs before they read their command line: adds the flags of this extension."""

from __future__ import annotations

import argparse


def preload(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument("--deforum-api", action="store_true", help="enable the Deforum API (/deforum_api)")
    parser.add_argument("--deforum-simple-api", action="store_true", help="enable the simple Deforum API (/deforum)")
    parser.add_argument(
        "--deforum-run-now",
        metavar="FILES",
        help="render these Deforum settings files as soon as the web UI has started; commas between them",
    )
    parser.add_argument(
        "--deforum-terminate-after-run-now", action="store_true", help="end the web UI after --deforum-run-now"
    )
