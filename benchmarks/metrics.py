"""Time of each metric, and of VIF against a direct two-dimensional filter, on one thread.

    python benchmarks/metrics.py [HEIGHT WIDTH]

Each figure is the median of several runs after one to warm up, with the quartiles; the sources are
smooth noise and the fused image is their average.
"""

import sys
import time
from collections.abc import Callable

import cv2
import numpy as np
from scipy.signal import convolve2d

from uaabench.interface import FloatImage
from uaabench.metrics import METRICS, vif

RUNS = 7


def milliseconds(function: Callable[[], object]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile of the run time."""
    function()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - start))
    low, median, high = np.percentile(times, [25, 50, 75])
    return float(low), float(median), float(high)


def direct_blur(image: FloatImage, window: FloatImage) -> FloatImage:
    """The same filter as `vif.blur` with the full two-dimensional window, in the space domain."""
    return np.asarray(convolve2d(image, np.outer(window, window), mode="valid"))


def smooth_noise(generator: np.random.Generator, height: int, width: int) -> FloatImage:
    noise = cv2.GaussianBlur(generator.normal(size=(height, width)), (0, 0), 3)
    return np.round(np.clip(128 + 60 * noise / noise.std(), 0, 255))


def main(height: int = 480, width: int = 640) -> None:
    cv2.setNumThreads(1)
    generator = np.random.default_rng(0)
    ir, vi = (smooth_noise(generator, height, width) for _ in range(2))
    images = (np.round((ir + vi) / 2), ir, vi)
    print(f"{height}x{width}, one thread, median of {RUNS} [quartiles] in ms")
    for name, metric in METRICS.items():
        low, median, high = milliseconds(lambda metric=metric: metric.compute(*images))
        print(f"  {name:<10}{median:9.2f}  [{low:.2f}, {high:.2f}]")

    separable_value, separable_blur = METRICS["VIF"].compute(*images), vif.blur
    separable_time = milliseconds(lambda: METRICS["VIF"].compute(*images))[1]
    vif.blur = direct_blur
    try:
        direct_value = METRICS["VIF"].compute(*images)
        direct_time = milliseconds(lambda: METRICS["VIF"].compute(*images))[1]
    finally:
        vif.blur = separable_blur
    print(f"  VIF direct{direct_time:9.2f}  {direct_time / separable_time:.1f} times the separable one,")
    print(f"{'':21}largest difference of the value {abs(direct_value - separable_value):.1e}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
