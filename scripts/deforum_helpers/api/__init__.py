"""The REST API: routes over the job queue, for web UIs and for ``standalone.py serve``. The only room with fastapi."""
