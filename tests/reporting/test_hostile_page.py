"""Names in the page are text: none becomes an element, an attribute, a style or a script, in any part of it."""

import numpy as np
import pandas as pd
import pytest

from runs import change_records, dataset_facts, method_facts, write_run
from uaabench.methods import efficiency
from uaabench.reporting.build import table_of
from uaabench.reporting.html import page
from uaabench.reporting.images import RunImages
from uaabench.running.evidence import load

ATTACKS = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "'><svg onload='window.hacked = 1'>",
    '" onmouseover="window.hacked = 1" x="',
    "<!--<script>",
    "{{ 7 * 7 }}",
    "]]><script>window.hacked = 1</script>",
    "</title><script>window.hacked = 1</script>",
    "</style><script>window.hacked = 1</script>",
    "&lt;b&gt;",
    "constructor",
    "__proto__",
    "$\\frac$",
]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """A run whose methods, data sets, pairs, reasons, weights, options, command and environment are all attacks."""
    generator = np.random.default_rng(0)
    values = {name: {"EN": generator.uniform(6, 7, 4).tolist(), "SD": [1.0, 2.0, 3.0, None]} for name in ATTACKS}
    attack = ATTACKS[2]
    methods = [
        method_facts(
            name, version=name, track=name, weights=name, sha256=name, options={name: name}, reference=name, bibtex=""
        )
        for name in ATTACKS
    ]
    run = write_run(
        tmp_path_factory.mktemp("hostile") / "run", values, dataset=attack, methods=methods, command=attack, git=attack,
        environment={attack: attack, "packages": {attack: attack}},
        datasets=[dataset_facts(attack, 4, title=attack, index=attack)],
    )  # fmt: skip
    records = pd.read_parquet(run / "records.parquet")
    records.loc[records["value"].isna(), "reason"] = attack
    records["pair"] = records["pair"].map({"000": "000", **{f"{n:03}": ATTACKS[n] for n in (1, 2, 3)}})
    change_records(run, records)
    cost = efficiency.Efficiency(
        method=attack, title=attack, kind="learned", height=48, width=64, reason=attack, device=attack,
    )  # fmt: skip
    efficiency.write(run / "efficiency.json", [cost])
    return load(run)


@pytest.fixture(scope="module")
def text(evidence):
    """The page, with images of a pair by three of the methods."""
    grey = np.full((48, 64), 100, np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            RunImages, "fused", lambda _, name, pair: grey if name in ATTACKS[-3:] and pair == "000" else None
        )
        return page(evidence, table_of(evidence, ATTACKS[0]))


def test_nothing_of_a_name_is_carried_out(browser, text, tmp_path):
    path = tmp_path / "results.html"
    path.write_text(text, encoding="utf-8")
    troubles: list[str] = []
    tab = browser.new_page()
    tab.on("console", lambda message: troubles.append(message.text))
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.on("dialog", lambda dialog: troubles.append(dialog.message))
    tab.on(
        "request", lambda request: troubles.append(request.url) if not request.url.startswith(("file", "data")) else 0
    )
    tab.goto(path.as_uri())
    tab.wait_for_function("document.getElementById('canvas-left').width > 0")
    for name in ("order", "pair", "left", "right", "overlay", "mode", "dataset"):
        for option in range(tab.locator(f"#view-{name} option").count()):
            tab.select_option(f"#view-{name}", index=option)
    tab.mouse.move(300, 300)
    assert tab.evaluate("window.hacked") is None
    assert troubles == []
    assert tab.locator("script").count() == 2
    assert tab.locator("img").count() == 0
    handlers = (
        "[...document.querySelectorAll('*')].flatMap((e) => e.getAttributeNames()).filter((n) => n.startsWith('on'))"
    )
    assert tab.evaluate(handlers) == []
    assert tab.locator("style").count() == 1 + tab.locator(".chart svg style").count()
    tab.close()


def test_every_name_is_shown_as_it_is(browser, text, tmp_path):
    path = tmp_path / "results.html"
    path.write_text(text, encoding="utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    assert tab.locator("#results tbody th").all_text_contents() == ATTACKS
    assert tab.locator("#results caption").text_content() == f"{ATTACKS[2]} test, 4 pairs"
    assert tab.locator("#view-left option").all_text_contents()[2:] == ATTACKS
    assert {ATTACKS[n] for n in (1, 2, 3)} <= set(tab.locator("#view-pair option").all_text_contents())
    shown = set(tab.locator(".chart").first.locator("svg text").all_text_contents())
    assert set(ATTACKS) <= shown
    assert ATTACKS[2] in tab.locator("#results .note").first.text_content()
    assert ATTACKS[2] in tab.locator("#provenance").text_content()
    ids = tab.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))
    tab.close()
