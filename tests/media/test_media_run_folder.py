from datetime import datetime

from deforum_helpers.media.run_folder import claim_run_folder
from deforum_helpers.settings.schema import Settings


def test_taken_timestrings_are_passed_over(tmp_path):
    moment = datetime(2023, 12, 31, 23, 59, 58)
    settings = Settings().with_values({"batch_name": "runs"})
    assert claim_run_folder(tmp_path, settings, moment).timestring == "20231231235958"
    (tmp_path / "runs" / "20231231235959_settings.txt").touch()
    assert claim_run_folder(tmp_path, settings, moment).timestring == "20240101000000"
