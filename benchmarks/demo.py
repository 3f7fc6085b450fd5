"""Does the demo set make fusion matter? The same segmenter on each source, and on both as two channels.

    python benchmarks/demo.py --steps 1000 --seeds 0

Trained on the demo's training scenes, judged on its test scenes as it was trained; about five minutes a training on one
core.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from uaabench.judges.segmentation.segmenters import read_card
from uaabench.training.images import choose
from uaabench.training.runner import SegmenterRecipe
from uaabench.training.segmentation import train


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--on", nargs="+", default=["visible", "infrared", "both"])
    options = parser.parse_args()
    demo = choose("demo", Path(), held_out=0)
    for seed in options.seeds:
        for on in options.on:
            seen = replace(demo, on=on, held_out=demo.dataset.pairs("test"))
            with tempfile.TemporaryDirectory() as folder:
                file = train(seen, SegmenterRecipe(steps=options.steps, seed=seed), Path(folder))
                print(f"seed {seed}, {on}: {read_card(file).validation}", flush=True)


if __name__ == "__main__":
    main()
