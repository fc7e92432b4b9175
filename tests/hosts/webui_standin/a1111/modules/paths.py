from __future__ import annotations

models_path = "models"
data_path = "."
