"""What holds for the table of metrics as a whole."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from uaabench.errors import UsageError
from uaabench.interface import FloatImage
from uaabench.metrics import METRICS, find


def scene(seed: int) -> FloatImage:
    """A smooth random image, as photographs are, in 0..255."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(96, 96)), (0, 0), 3)
    return np.round(np.clip(128 + 40 * noise / noise.std(), 0, 255))


def test_the_metrics_come_in_the_order_of_tables() -> None:
    assert list(METRICS) == ["EN", "SD", "SF", "VIF", "Qabf"]
    assert all(name == metric.name for name, metric in METRICS.items())


def test_metrics_are_found_in_any_letter_case() -> None:
    assert find("QABF") is find("qabf") is METRICS["Qabf"]


def test_an_unknown_metric_is_named_in_the_error() -> None:
    with pytest.raises(UsageError, match="no metric 'PSRN'"):
        find("PSRN")


@pytest.mark.parametrize("name", list(METRICS))
def test_noise_raises_exactly_the_metrics_that_say_so(name: str) -> None:
    ir, vi = scene(1), scene(2)
    fused = np.round((ir + vi) / 2)
    noise = np.random.default_rng(3).normal(scale=20, size=fused.shape)
    noisy = np.clip(np.round(fused + noise), 0, 255)
    raised = METRICS[name].compute(noisy, ir, vi) > METRICS[name].compute(fused, ir, vi)
    assert raised == METRICS[name].gameable_by_noise


def test_importing_the_metrics_loads_neither_torch_nor_scipy_nor_pandas() -> None:
    code = "import sys, uaabench.metrics.profiles; print([m for m in ('torch', 'scipy', 'pandas') if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
