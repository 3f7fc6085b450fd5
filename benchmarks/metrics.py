"""Time of the five default metrics against a literal reference, in one process, one thread each.

    python benchmarks/metrics.py [HEIGHT WIDTH]

The reference computes what the evaluator of CDDFuse computes as it does it: one pair at a time, VIF by direct
two-dimensional filtering, nothing shared between sources, metrics or methods. Reference and uaabench take turns; each
figure is the median ratio of the rounds with its quartiles. The sources are smooth noise, a fused image is a weighted
average of them. Last, the throughput of two workers against one, over all rounds.
"""

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import cv2
import numpy as np
from scipy.signal import convolve2d

from uaabench.core.arrays import ByteImage, FloatImage
from uaabench.core.interface import Sources
from uaabench.metrics.profiles.cddfuse import CDDFUSE

ROUNDS = 9
METHODS = 7
HEADLINE = CDDFUSE.select()


def reference_entropy(fused: FloatImage) -> float:
    share = np.bincount(np.round(fused).astype(np.uint8).ravel()) / fused.size
    return float(-np.sum(share * np.log2(share + (share == 0))))


def reference_spatial_frequency(fused: FloatImage) -> float:
    rows, columns = np.mean((fused[:, 1:] - fused[:, :-1]) ** 2), np.mean((fused[1:] - fused[:-1]) ** 2)
    return float(np.sqrt(rows + columns))


def reference_vif(source: FloatImage, fused: FloatImage) -> float:
    kept = available = 0.0
    for scale, side in enumerate((17, 9, 5, 3)):
        offset = np.arange(side) - side // 2
        window = np.exp(-(offset**2 + offset[:, None] ** 2) / (2 * (side / 5) ** 2))
        window /= window.sum()

        def blur(image: FloatImage, window: FloatImage = window) -> FloatImage:
            return np.asarray(convolve2d(image, window, mode="valid"))

        if scale:
            source, fused = blur(source)[::2, ::2], blur(fused)[::2, ::2]
        mean_x, mean_f = blur(source), blur(fused)
        var_x = np.maximum(blur(source * source) - mean_x * mean_x, 0)
        var_f = np.maximum(blur(fused * fused) - mean_f * mean_f, 0)
        covariance = blur(source * fused) - mean_x * mean_f
        gain = covariance / (var_x + 1e-10)
        noise = var_f - gain * covariance
        flat_x, flat_f = var_x < 1e-10, var_f < 1e-10
        gain[flat_x], noise[flat_x], var_x[flat_x] = 0, var_f[flat_x], 0
        gain[flat_f], noise[flat_f] = 0, 0
        noise[gain < 0] = var_f[gain < 0]
        gain[gain < 0] = 0
        noise[noise <= 1e-10] = 1e-10
        kept += float(np.sum(np.log10(1 + gain * gain * var_x / (noise + 2))))
        available += float(np.sum(np.log10(1 + var_x / 2)))
    return kept / available if available else 1.0


def reference_qabf(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])

    def gradient(image: FloatImage) -> tuple[FloatImage, FloatImage]:
        sx, sy = convolve2d(image, kernel, mode="same"), convolve2d(image, -kernel.T, mode="same")
        angle = np.full_like(image, np.pi / 2)
        angle[sx != 0] = np.arctan(sy[sx != 0] / sx[sx != 0])
        return np.sqrt(sx * sx + sy * sy), angle

    def quality(g_x: FloatImage, a_x: FloatImage, g_f: FloatImage, a_f: FloatImage) -> FloatImage:
        ratio = np.zeros_like(g_x)
        ratio[g_x > g_f] = g_f[g_x > g_f] / g_x[g_x > g_f]
        ratio[g_x == g_f] = g_f[g_x == g_f]
        ratio[g_x < g_f] = g_x[g_x < g_f] / g_f[g_x < g_f]
        aligned = 1 - np.abs(a_x - a_f) / (np.pi / 2)
        strength = 0.9994 / (1 + np.exp(-15 * (ratio - 0.5)))
        return strength * (0.9879 / (1 + np.exp(-22 * (aligned - 0.8))))

    (g_a, a_a), (g_b, a_b), (g_f, a_f) = gradient(ir), gradient(vi), gradient(fused)
    kept = np.sum(quality(g_a, a_a, g_f, a_f) * g_a + quality(g_b, a_b, g_f, a_f) * g_b)
    return float(kept / np.sum(g_a + g_b))


def reference(fused: ByteImage, sources: Sources) -> list[float]:
    """EN, SD, SF, VIF and Qabf of grey images."""
    image, ir, vi = (entry.astype(float) for entry in (fused, sources.ir, sources.vi))
    return [
        reference_entropy(image),
        float(np.std(image)),
        reference_spatial_frequency(image),
        reference_vif(ir, image) + reference_vif(vi, image),
        reference_qabf(image, ir, vi),
    ]


def scene(seed: int, height: int, width: int) -> tuple[Sources, list[ByteImage]]:
    """Two grey sources and the images of seven methods."""
    generator = np.random.default_rng(seed)

    def smooth_noise() -> FloatImage:
        noise = cv2.GaussianBlur(generator.normal(size=(height, width)), (0, 0), 3)
        return np.round(np.clip(128 + 60 * noise / noise.std(), 0, 255))

    ir, vi = smooth_noise(), smooth_noise()
    shares = np.linspace(0.2, 0.8, METHODS)
    return Sources(ir.astype(np.uint8), vi.astype(np.uint8)), [(a * ir + (1 - a) * vi).astype(np.uint8) for a in shares]


def score_all(sources: Sources, images: list[ByteImage]) -> list[list[float]]:
    """Score the images of all methods, which share their sources."""
    prepared = CDDFUSE.prepare(sources)
    return [[value.value for value in prepared.score(image, HEADLINE)] for image in images]


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def load() -> str:
    """How busy the machine was in the last minute."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def spread(values: list[float]) -> str:
    low, median, high = np.percentile(values, [25, 50, 75])
    return f"{median:.1f} [{low:.1f}, {high:.1f}]"


def compare(height: int, width: int) -> None:
    sources, images = scene(0, height, width)
    literal = [reference(image, sources) for image in images]
    difference = np.abs(np.array(literal) - score_all(sources, images)).max(axis=0)
    alone, shared, milliseconds = [], [], []
    for _ in range(ROUNDS):
        slow = seconds(lambda: reference(images[3], sources))
        alone.append(slow / seconds(lambda: CDDFUSE.score(images[3], sources, HEADLINE)))
        each = seconds(lambda: score_all(sources, images)) / METHODS
        shared.append(slow / each)
        milliseconds.append([1e3 * slow, 1e3 * slow / alone[-1], 1e3 * each])
    times = np.median(milliseconds, axis=0)
    print(f"{height}x{width}, one thread, median of {ROUNDS} rounds [quartiles], {load()}")
    print(f"  reference            {times[0]:8.1f} ms")
    print(f"  one fused image      {times[1]:8.1f} ms   {spread(alone)} times faster")
    print(f"  one of {METHODS} methods     {times[2]:8.1f} ms   {spread(shared)} times faster")
    names = ", ".join(f"{metric.name} {worst:.0e}" for metric, worst in zip(HEADLINE, difference, strict=True))
    print(f"  largest |difference| {names}")


def work(seed_and_size: tuple[int, int, int]) -> None:
    score_all(*scene(*seed_and_size))


def start_worker() -> None:
    cv2.setNumThreads(1)


def throughput(height: int, width: int) -> None:
    """Time the same pairs with one and with two worker processes, which were started before, in turns."""
    tasks = [(seed, height, width) for seed in range(8)]
    context = get_context("spawn")
    with (
        ProcessPoolExecutor(1, context, start_worker) as one,
        ProcessPoolExecutor(2, context, start_worker) as two,
    ):
        for pool in (one, two):
            list(pool.map(work, tasks))
        ratios = [
            seconds(lambda: list(one.map(work, tasks))) / seconds(lambda: list(two.map(work, tasks)))
            for _ in range(ROUNDS)
        ]
    low, median, high = np.percentile(ratios, [25, 50, 75])
    print(f"  two workers          {median:.2f} [{low:.2f}, {high:.2f}] times the throughput of one, {load()}")


if __name__ == "__main__":
    cv2.setNumThreads(1)
    size = [*map(int, sys.argv[1:3])] or [480, 640]
    compare(*size)
    throughput(*size)
