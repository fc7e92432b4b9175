"""The plan of a render (``data``), the pure helpers around it (``util``) and the image pipelines."""
