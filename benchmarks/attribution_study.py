"""Does attribution make fused images better for segmentation? UAAFusion+ under four kinds of guidance, judged by mIoU.

    python benchmarks/attribution_study.py --out study --fusion-seeds 0 1 2 3 4 --judge-seeds 0 1 2
    python benchmarks/attribution_study.py --out study --rules average maximum_plus_minimum --arms    # beside them
    python benchmarks/attribution_study.py --out study --table     # from what is there

Each arm trains the same network on the same pairs with the same budget, and differs only in what it is told of regions:

    attribution    what the segmenter attributes to the sources
    undecided      nothing: weights are a soft maximum
    elsewhere      what it attributes in another scene
    exact          true regions; for each, decidedly, the source in which a segmenter of both finds more of it

The last leaks labels and stands for the most that knowing regions could give. Fusion networks see `demo:train`, as the
segmenter inside did; judges are trained on the first 60 scenes of `demo:study`, which neither has seen, and judge the
other 40 and `demo:test`. Rules, which need no training, are judged in the same way. So the images a judge is trained on
are as good as those it judges. Everything lies in --out, judgement by judgement, and the same command goes on where it
was stopped.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from uaabench.baselines.uaaplus.training import recipe as recipes
from uaabench.baselines.uaaplus.training.loop import attributed, train
from uaabench.baselines.uaaplus.weighing import source_weights
from uaabench.core import files, imaging
from uaabench.core.interface import luminance
from uaabench.judges.segmentation.confusion import MEAN_IOU, confusion
from uaabench.judges.segmentation.segmenters import Segmenter, resolve
from uaabench.methods.fusing import make_fuser
from uaabench.methods.named import plan_method
from uaabench.training import segmentation
from uaabench.training.images import choose, image_of
from uaabench.training.pairs import find
from uaabench.training.runner import SegmenterRecipe

ARMS = ("attribution", "undecided", "elsewhere", "exact")
JUDGE_SCENES = 60
RESAMPLES = 10_000
FROZEN = "demo"


def guidance(arm, segmenter):
    """The guide of an arm: regions (B,H,W) and contributions (2,B,C) of a batch; see `training.loop.attributed`."""

    def guide(model, patches, ir, y):
        labels, found = attributed(model, patches, ir, y)
        if arm == "undecided":
            return labels, torch.zeros_like(found)
        if arm == "elsewhere":
            return labels.roll(1, 0), found.roll(1, 1)
        if arm == "exact":
            # The segmenter inside knows the first classes alone; what else is labelled is the rest to it.
            labels = patches.batch.label * (patches.batch.label < found.shape[2])
            in_ir, in_y = (found_by(segmenter, image, labels, found.shape[2]) for image in (ir, y))
            return labels, torch.stack([in_ir > in_y, in_y > in_ir]).to(ir.dtype)
        return labels, found

    return guide


def found_by(segmenter, images, labels, classes):
    """The share of each class that a segmenter finds in grey images (B,1,H,W): (B,C), 0 for the rest and the absent."""
    shown = [np.repeat(image[..., None], 3, axis=2) for image in imaging.quantise(images)]
    right = torch.from_numpy(np.stack(segmenter.predict(shown)).astype(np.int64)) == labels
    shares = [(right & (labels == k)).sum((1, 2)) / (labels == k).sum((1, 2)).clamp(min=1) for k in range(1, classes)]
    return torch.stack([torch.zeros(len(labels)), *shares], 1)


class Labels:
    """Label maps of whole images in the place of a batch of patches."""

    def __init__(self, label):
        self.batch = self
        self.label = label


def fuse(model, guide, images):
    """Fuse the first of some images (ir, y, label), the others being what other scenes are: (1,1,H,W)."""
    ir, y = (torch.cat([image[part] for image in images]) for part in (0, 1))
    labels, found = guide(model, Labels(torch.cat([image[2] for image in images])), ir, y)
    c = model.config
    weights = source_weights(ir, y, labels, found, preference=c.preference, softness=c.softness)
    mask = functional.one_hot(labels, found.shape[2]).permute(0, 3, 1, 2).to(ir.dtype)
    with torch.no_grad():
        return model(ir, y, mask, weights=weights).image[:1].clamp(0, 1)


def read(dataset, pair):
    """Infrared and luminance (1,1,H,W), label map (1,H,W), and the colours of a pair."""
    sources = dataset.read(pair)
    label = torch.from_numpy(dataset.read_label(pair).astype(np.int64))[None]
    return imaging.to_tensor(sources.ir), luminance(imaging.to_tensor(sources.vi)), label, sources.vi


def fuse_all(model, guide, dataset, pairs, folder):
    """Write the fused images that are not there yet; another scene is the next one of the list."""
    for pair, other in zip(pairs, [*pairs[1:], pairs[0]], strict=True):
        path = folder / f"{pair.id}.png"
        if not path.is_file():
            own = read(dataset, pair)
            fused = imaging.quantise(fuse(model, guide, [own[:3], read(dataset, other)[:3]]))[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            imaging.write_png(path, imaging.colourise(fused, own[3]))


def judge(segmenter, images, pairs, on):
    """Confusion matrices of a segmenter on pairs, as `image_of` shows them."""
    found = []
    for pair in pairs:
        (predicted,) = segmenter.predict([image_of(images.dataset, pair, on)])
        found.append(confusion(predicted, images.dataset.read_label(pair), images.protocol))
    return found


def judgement(path, make):
    """Matrices kept in a file, made if it is not there."""
    if not path.is_file():
        files.write_json(path, np.stack(make()).tolist())
        print(f"{path}: done", flush=True)
    return np.array(json.loads(path.read_text()))


def study(options):
    """Train, fuse and judge all that is not there yet."""
    cpu = torch.device("cpu")
    study_images = choose("demo:study", Path(), held_out=0)
    demo = choose("demo:train", Path(), held_out=0)
    judged = [*study_images.pairs[JUDGE_SCENES:], *demo.dataset.pairs("test")]
    frozen = Segmenter(resolve(FROZEN), demo.protocol.classes, cpu)
    pairs = find(["demo"], [], 0, Path())
    for seed in options.fusion_seeds:
        for arm in options.arms:
            place = options.out / arm / f"fusion-{seed}"
            changes = {"data": ["demo"], "optimisation.steps": options.fusion_steps, "seed": seed}
            guide = guidance(arm, frozen)
            model = train(pairs, recipes.read("directed", changes), cpu, place, guide=guide)
            fuse_all(model, guide, demo.dataset, [*study_images.pairs, *demo.dataset.pairs("test")], place / "fused")
            on = str(place / "fused")
            judgement(place / "frozen.json", lambda on=on: judge(frozen, demo, judged, on))
            for number in options.judge_seeds:
                retrain(study_images, judged, place, number, options.judge_steps)


def by_rules(options):
    """Fuse by rules, and judge, what is not there yet."""
    study_images = choose("demo:study", Path(), held_out=0)
    demo = choose("demo:train", Path(), held_out=0)
    judged = [*study_images.pairs[JUDGE_SCENES:], *demo.dataset.pairs("test")]
    frozen = Segmenter(resolve(FROZEN), demo.protocol.classes, torch.device("cpu"))
    for rule in options.rules:
        place = options.out / rule / "rule"
        fuse_by = make_fuser(plan_method(rule), device="cpu")
        for pair in [*study_images.pairs, *demo.dataset.pairs("test")]:
            sources = demo.dataset.read(pair)
            path = place / "fused" / f"{pair.id}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            imaging.write_png(path, imaging.colourise(fuse_by(pair, sources), sources.vi))
        judgement(place / "frozen.json", lambda place=place: judge(frozen, demo, judged, str(place / "fused")))
        for number in options.judge_seeds:
            retrain(study_images, judged, place, number, options.judge_steps)


def retrain(study_images, judged, place, seed, steps):
    """Train a judge on the images of an arm, and let it judge."""

    def make():
        seen = replace(study_images, pairs=study_images.pairs[:JUDGE_SCENES], on=str(place / "fused"))
        file = segmentation.train(seen, SegmenterRecipe(steps=steps, seed=seed), place / f"judge-{seed}")
        network = Segmenter(resolve(f"{SegmenterRecipe.network}@{file}"), seen.protocol.classes, torch.device("cpu"))
        return judge(network, seen, judged, seen.on)

    judgement(place / f"retrain-{seed}.json", make)


def collect(out, kind):
    """Matrices of each arm, {arm: {(fusion seed, judge): (pairs,C,C)}}."""
    return {
        arm: {
            (path.parent.name, path.stem): np.array(json.loads(path.read_text()))
            for path in sorted((out / arm).glob(f"*/{kind}*.json"))
        }
        for arm in (*ARMS, *(found for found in sorted(path.name for path in out.iterdir()) if found not in ARMS))
    }


def mean_iou(matrices, draws=None):
    """MIoU of matrices (pairs,C,C), of all pairs or of each draw of them."""
    draws = np.ones((1, len(matrices)), np.int64) if draws is None else draws
    return MEAN_IOU.of(list(matrices), draws, {"counts_zero": True})


def compare(first, second):
    """Mean difference of mIoU, its 95 % interval by a bootstrap over fusion seeds and pairs, and what it rests on.

    Seeds of both arms are drawn together, as are pairs; judges of a drawn fusion seed count by their mean.
    """
    common = sorted(first.keys() & second.keys())
    seeds = sorted({seed for seed, _ in common})
    random = np.random.default_rng(0)
    n = len(first[common[0]])
    drawn = random.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)

    def means(draws=None):
        by_seed = []
        for seed in seeds:
            of_judges = [mean_iou(first[key], draws) - mean_iou(second[key], draws) for key in common if key[0] == seed]
            by_seed.append(np.mean(of_judges, axis=0))
        return np.stack(by_seed)

    over_seeds = random.multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), size=RESAMPLES) / len(seeds)
    low, high = np.quantile((over_seeds * means(drawn).T).sum(1), [0.025, 0.975])
    return means().mean(), low, high, len(seeds), len(common)


def table(out):
    """Print mIoU of each arm and run, and what attribution and others gain over `undecided` and `elsewhere`."""
    kinds = {kind: {arm: runs for arm, runs in collect(out, kind).items() if runs} for kind in ("frozen", "retrain")}
    print("| judged by | arm | mIoU | fusion seeds | judgements, each |\n" + "|---" * 5 + "|")
    for kind, found in kinds.items():
        for arm, runs in found.items():
            each = [mean_iou(one).item() for one in runs.values()]
            values = " ".join(f"{value:.4f}" for value in each)
            print(f"| {kind} | {arm} | {np.mean(each):.4f} | {len({seed for seed, _ in runs})} | {values} |")
    print("\n| judged by | arm | against | difference | 95 % | fusion seeds | judgements |\n" + "|---" * 7 + "|")
    for kind, found in kinds.items():
        for arm, reference in (("attribution", "undecided"), ("attribution", "elsewhere"), ("exact", "undecided")):
            if found.get(arm, {}).keys() & found.get(reference, {}).keys():
                value, low, high, seeds, judgements = compare(found[arm], found[reference])
                interval = f"{value:+.4f} | [{low:+.4f}, {high:+.4f}]"
                print(f"| {kind} | {arm} | {reference} | {interval} | {seeds} | {judgements} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rules", nargs="*", default=[], help="methods without weights to judge beside the arms")
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=list(ARMS))
    parser.add_argument("--fusion-seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--judge-seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--fusion-steps", type=int, default=500)
    parser.add_argument("--judge-steps", type=int, default=1000)
    parser.add_argument("--table", action="store_true", help="only print the table")
    options = parser.parse_args()
    if not options.table:
        by_rules(options)
        study(options)
    table(options.out)


if __name__ == "__main__":
    main()
