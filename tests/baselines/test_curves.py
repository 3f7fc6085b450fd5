"""Every shipped weight of the budget `converged` has its curve in the documentation, to the step of its card."""

import json
from pathlib import Path

import pandas as pd
import pytest

from uaabench.training import budget as budgets

ROOT = Path(__file__).parents[2]
CONVERGED = [
    file.stem for file in sorted((ROOT / "baselines" / "weights").glob("*.json")) if "'converged'" in file.read_text()
]


@pytest.mark.parametrize("name", CONVERGED)
def test_a_training_until_nothing_is_gained_has_its_curve(name):
    card = json.loads((ROOT / "baselines" / "weights" / f"{name}.json").read_text())
    curve = pd.read_csv(ROOT / "docs" / "curves" / f"{name}.csv")
    if "Budget 'converged'" in card["recipe"]:
        assert 0 <= card["steps"] - curve["step"].iloc[-1] < budgets.read("converged").look_every
    assert curve["loss"].iloc[-1] < curve["loss"].iloc[0]
