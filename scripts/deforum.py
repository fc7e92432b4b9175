"""The file that web UIs run when they start: loads the package beside it and lets it register itself.

Web UIs run this file without importing it, and have their own ideas of what is importable when. So the package is found
by its place, under a name of its own, and a failure becomes a tab that says so.
"""

import importlib
import importlib.util
import logging
import sys
from pathlib import Path

PACKAGE = "deforum_neocore"
ROOT = Path(__file__).resolve().parent.parent


def load_package() -> None:
    """Load the package once; running this file again, as "Reload UI" does, finds it there."""
    folder = ROOT / "scripts" / "deforum_helpers"
    loaded = sys.modules.get(PACKAGE)
    if loaded is not None and Path(loaded.__file__).parent == folder:
        return
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


def failed_tab(error: Exception) -> list:
    """A tab for a package that cannot even be loaded."""
    import gradio

    advice = f"Deforum could not be loaded: {type(error).__name__}: {error}. Update the extension and restart."
    if sys.version_info < (3, 10):  # noqa: UP036 - a web UI may run on an older one
        advice = f"Deforum needs Python 3.10 or newer; this web UI runs on {sys.version.split()[0]}."
    with gradio.Blocks(analytics_enabled=False) as page:
        gradio.Markdown(f"## Deforum cannot be used\n\n{advice}")
    return [(page, "Deforum", "deforum_interface")]


try:
    load_package()
    importlib.import_module(f"{PACKAGE}.hosts.webui.registration").register(ROOT)
except Exception as caught:  # the web UI starts, whatever happens here
    logging.getLogger("deforum").exception("Deforum could not be loaded")
    failure = caught  # the name of an except clause is gone after it
    from modules import script_callbacks

    script_callbacks.on_ui_tabs(lambda: failed_tab(failure))
