"""Where the time of the segment stage goes: shares of reading, colouring, network, confusion and writing.

    python benchmarks/segment.py [RUN] [SEGMENTER] [PAIRS]

RUN is a run directory with fused images; without one, the averages of the demo's test pairs are made. SEGMENTER is
what `--segmenter` takes for one judge, by default `demo`. Every pair is taken through the parts that the stage is made
of, one after the other; the stage itself reads the next pair while the network works, so that its time, given last, may
be below the sum. The first pair warms up and is not counted.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from uaabench.core import imaging
from uaabench.core.interface import Pair
from uaabench.judges.segmentation.confusion import confusion
from uaabench.judges.segmentation.segmenters import Segmenter
from uaabench.judges.segmentation.stage import Segment
from uaabench.running import config, manifest, pipeline, plan, store
from uaabench.running.units import Runtime, Share, Unit

PARTS = ("reading", "colouring", "network", "confusion", "writing")


class Clock(Counter[str]):
    """Seconds by part."""

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of what is done inside to a part."""
        start = time.perf_counter()
        yield
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self[name] += time.perf_counter() - start


def prepare(run: Path | None, segmenter: str, count: int | None, scratch: Path) -> tuple[Path, Unit]:
    """The run directory and its first segment unit, with so many of the pairs that were fused."""
    if run is None:
        given = {"methods": ["average"], "datasets": ["demo"], "floor": False}
        run = scratch / "demo"
    else:
        given = manifest.read_config(run).model_dump()
    chosen = config.build({**given, "segmenter": segmenter})
    device = pipeline.pick_device(chosen.device)
    planned = plan.make(chosen, device.partition(":")[0])
    store.open_run(run)
    if not (run / "manifest.json").is_file():
        pipeline.carry_out(planned, run, device=device, stages=("fuse",), on_pair=lambda *_: None)
    unit = planned.units["segment"][0]
    pairs = [pair for pair in unit.dataset.pairs if store.artefact(run, unit, pair.id).is_file()][:count]
    if not pairs:
        sys.exit(f"{run} holds no images fused by {unit.method.label}; name a run directory that is finished.")
    return run, replace(unit, dataset=replace(unit.dataset, pairs=tuple(pairs)))


def time_batch(unit: Unit, run: Path, pairs: Sequence[Pair], segmenter: Segmenter, clock: Clock, scratch: Path) -> None:
    """Take some pairs through the parts of the stage."""
    dataset = unit.dataset.open()
    images, labels = [], []
    for pair in pairs:
        with clock.part("reading"):
            fused = imaging.read_rgb(store.artefact(run, unit, pair.id))
            labels.append(dataset.read_label(pair))
            visible = dataset.read(pair).vi
        with clock.part("colouring"):
            images.append(imaging.colourise(fused[..., 0], visible) if (fused == fused[..., :1]).all() else fused)
    with clock.part("network"):
        predictions = segmenter.predict(images)
    for pair, predicted, label in zip(pairs, predictions, labels, strict=True):
        with clock.part("confusion"):
            confusion(predicted, label, unit.task.protocol)
        with clock.part("writing"):
            imaging.write_png(scratch / f"{pair.id}.png", predicted)


def main() -> None:
    """Time the parts, then the stage, and print both."""
    words = [*sys.argv[1:], "", "", ""]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        count = int(words[2]) if words[2] else None
        run, unit = prepare(Path(words[0]) if words[0] else None, words[1] or "demo", count, scratch)
        device = pipeline.pick_device("auto")
        segmenter = Segmenter(unit.task.file, unit.task.protocol.classes, torch.device(device))
        pairs = unit.dataset.pairs
        time_batch(unit, run, pairs[:1], segmenter, Clock(), scratch)
        clock = Clock()
        for start in range(len(pairs)):
            time_batch(unit, run, pairs[start : start + 1], segmenter, clock, scratch)
        stage = time_stage(unit, run, device, scratch)
        print(f"{unit.method.label} on {unit.dataset.label}, {len(pairs)} pairs, {unit.task.file.name}, {device}")
        for part in PARTS:
            print(f"{part:10} {1e3 * clock[part] / len(pairs):8.1f} ms a pair  {clock[part] / clock.total():6.1%}")
        print(f"{'sum':10} {1e3 * clock.total() / len(pairs):8.1f} ms a pair")
        print(f"{'stage':10} {1e3 * stage / len(pairs):8.1f} ms a pair, loading the network included")


def time_stage(unit: Unit, run: Path, device: str, scratch: Path) -> float:
    """Seconds of the whole stage, into a copy of the run that holds its artefacts only."""
    copy = scratch / "copy"
    (copy / unit.artefacts).parent.mkdir(parents=True)
    (copy / unit.artefacts).symlink_to((run / unit.artefacts).resolve())
    start = time.perf_counter()
    store.begin(copy, unit, {})
    share = Share((unit,), tuple((pair, (unit,)) for pair in unit.dataset.pairs), 0)
    for _ in Segment().work(share, Runtime(copy, device)):
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
