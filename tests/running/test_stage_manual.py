"""The stage of the manual works as it stands there."""

import re
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

MANUAL = Path(__file__).parents[2] / "docs" / "add-a-stage.md"


@pytest.mark.slow
def test_the_stage_of_the_manual_is_measured(uaabench, pair_folder, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "saturation.py").write_text(code)
    (tmp_path / "options.yaml").write_text("options: {saturation: {level: 200}}")
    words = ("run", "--methods", "infrared", "--no-floor", "--metrics", "EN", "--datasets", f"mine={pair_folder}")
    words += ("--plugin", tmp_path / "saturation.py", "--config", tmp_path / "options.yaml", "--out", tmp_path / "R")
    result = uaabench(*words)
    assert result.code == 0, result.err
    images = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in (pair_folder / "ir").iterdir()]
    records = pd.read_parquet(tmp_path / "R" / "records.parquet").set_index("metric")["value"]
    assert records["saturated"] == pytest.approx(np.mean([image >= 200 for image in images]))
