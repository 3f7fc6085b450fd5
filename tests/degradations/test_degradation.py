"""What a degradation is called, what it does to which source, and what is refused."""

import numpy as np
import pytest

from uaabench.core.errors import UsageError
from uaabench.core.interface import Sources
from uaabench.degradations import CORRUPTIONS, parse, parse_all


@pytest.fixture
def sources():
    draw = np.random.default_rng(0).integers
    return Sources(draw(40, 216, (32, 48), np.uint8), draw(40, 216, (32, 48, 3), np.uint8))


def changed(text, sources, **purpose):
    degraded = parse(text).apply(sources, **{"dataset": "demo", "pair": "1", **purpose})
    return bool((degraded.ir != sources.ir).any()), bool((degraded.vi != sources.vi).any())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("noise:3", (True, True)),
        ("ir.noise:3", (True, False)),
        ("vi.noise:3", (False, True)),
        ("blur:2", (True, True)),
        ("dark:3", (False, True)),
        ("fog:2", (False, True)),
        ("stripe:2", (True, False)),
        ("lowcontrast:3", (True, True)),
        ("jpeg:30", (True, True)),
        ("shift:4px", (True, False)),
        ("drop-ir", (True, False)),
        ("vi.noise:1+ir.blur:2", (True, True)),
    ],
)
def test_a_degradation_changes_the_sources_it_is_for_and_no_other(text, expected, sources):
    assert changed(text, sources) == expected


def test_corruptions_are_done_one_after_another(sources):
    both = parse("vi.dark:2+vi.blur:1").apply(sources, "demo", "1")
    dark = parse("vi.dark:2").apply(sources, "demo", "1")
    assert (both.vi == parse("vi.blur:1").apply(dark, "demo", "1").vi).all()
    assert (both.vi != parse("vi.blur:1+vi.dark:2").apply(sources, "demo", "1").vi).any()


def test_noise_differs_between_data_sets_pairs_sources_and_seeds_and_not_between_calls(sources):
    grey = Sources(np.full((32, 48), 128, np.uint8), np.full((32, 48, 3), 128, np.uint8))
    images = [
        parse("noise:1", seed).apply(grey, dataset, pair)
        for dataset, pair, seed in [("demo", "1", 0), ("msrs", "1", 0), ("demo", "2", 0), ("demo", "1", 1)]
    ]
    different = [image.ir.tobytes() for image in images] + [image.vi[..., 0].tobytes() for image in images]
    assert len(set(different)) == 8
    assert (parse("noise:1").apply(grey, "demo", "1").vi == images[0].vi).all()


def test_severities_of_one_corruption_differ_in_nothing_but_how_strong_they_are():
    grey = Sources(np.full((32, 48), 128, np.uint8), np.full((32, 48, 3), 128, np.uint8))
    weak, strong = (parse(text).apply(grey, "demo", "1").ir.astype(float) - 128 for text in ("noise:1", "noise:2"))
    assert np.corrcoef(weak.ravel(), strong.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("noise:3", "noise-3", "noise"),
        ("ir.noise:3", "ir.noise-3", "ir.noise"),
        # A prefix that says nothing new is no other degradation.
        ("ir.stripe:2", "stripe-2", "stripe"),
        ("shift:4px", "shift-4px", "shift"),
        ("drop-ir", "drop-ir", "drop-ir"),
        (" vi.noise:1 + ir.blur:2", "vi.noise-1+ir.blur-2", "vi.noise+ir.blur"),
    ],
)
def test_names_say_what_is_done(text, name, kind):
    degradation = parse(text)
    assert (degradation.name, degradation.kind) == (name, kind)
    assert parse(degradation.text).key == degradation.key


def test_the_key_holds_corruption_version_sources_strength_and_seed():
    assert parse("ir.noise:3", seed=7).key == {
        "steps": [{"corruption": "noise", "version": 1, "sources": ["ir"], "strength": 3}],
        "seed": 7,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no degradation; write for example noise:3"),
        ("noise:1+", "is no degradation"),
        (":3", "is no degradation"),
        ("noize:3", "no corruption 'noize'; did you mean 'noise'?"),
        ("noise", "'noise' has no strength that 'noise' knows; write `noise:1` to `noise:5`"),
        ("noise:0", "`noise:1` to `noise:5`"),
        ("noise:6", "`noise:1` to `noise:5`"),
        ("noise:03", "`noise:1` to `noise:5`"),
        ("noise:2.5", "`noise:1` to `noise:5`"),
        ("noise:-1", "`noise:1` to `noise:5`"),
        ("noise:٣", "`noise:1` to `noise:5`"),
        ("noise:3:4", "`noise:1` to `noise:5`"),
        ("noise:nan", "`noise:1` to `noise:5`"),
        ("shift:4", "`shift:1px` to `shift:64px`"),
        ("shift:65px", "`shift:1px` to `shift:64px`"),
        ("jpeg:101", "`jpeg:1` to `jpeg:100`"),
        ("drop-ir:1", "has a strength, but 'drop-ir' has none"),
        ("ir.fog:2", "'ir.fog:2' makes no sense for the infrared image: its bright veil is scattered visible light"),
        ("ir.dark:2", "makes no sense for the infrared image: a thermal camera sees by no light"),
        ("vi.stripe:2", "makes no sense for the visible image"),
        ("vi.shift:2px", "labels and boxes belong to the visible image"),
        ("vi.drop-ir", "makes no sense for the visible image"),
        ("infrared.noise:3", "names no source; write ir.noise:3"),
        ("xx.noise:3", "names no source; write ir. for infrared"),
        ("../noise:3", "names no source"),
        ("noise:1+noise:2", "has 'noise' twice"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(text, message):
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert message in str(refused.value)
    assert str(refused.value).endswith((".", "?"))


def test_one_degradation_is_named_once():
    with pytest.raises(UsageError, match="'stripe:2' is named twice"):
        parse_all(["stripe:2", "ir.stripe:2"])
    assert [entry.name for entry in parse_all(["noise:1", "noise:2"])] == ["noise-1", "noise-2"]


def test_a_source_that_cannot_have_a_corruption_is_told_why():
    for entry in CORRUPTIONS.values():
        assert bool(entry.refusal) == (len(entry.sources) < 2)
