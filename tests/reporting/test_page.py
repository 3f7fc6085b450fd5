"""The page in a real browser: it needs nothing from outside, sorts, wipes, zooms, and fits a phone."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from uaabench.cli.running import execute
from uaabench.methods import efficiency
from uaabench.reporting.build import table_of
from uaabench.reporting.html import page
from uaabench.reporting.html.pictures import _encode, pictures
from uaabench.reporting.numbers import Numbers
from uaabench.running.config import build
from uaabench.running.evidence import load


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """Four pairs of the demo set by a few simple methods, with made-up latencies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UAABENCH_HOME", str(tmp_path_factory.getbasetemp() / "home"))
        run = tmp_path_factory.mktemp("page") / "run"
        execute(build({"methods": ["laplacian", "noise"], "datasets": ["demo"], "limit": 4}), run)
        rows = [
            efficiency.Efficiency(
                method=method.label,
                title=method.title,
                kind=method.kind,
                height=480,
                width=640,
                parameters=place,
                weights_bytes=0,
                flops=10**9 * place,
                latency_ms=1.0 + place,
                latency_q1_ms=0.9 + place,
                latency_q3_ms=1.2 + place,
            )
            for place, method in enumerate(load(run).methods)
        ]
        efficiency.write(run / "efficiency.json", rows)
        yield load(run)


@pytest.fixture(scope="module")
def table(evidence):
    return table_of(evidence, "average", marks_floor=True)


@pytest.fixture(scope="module")
def numbers(evidence):
    return Numbers.of(evidence)


@pytest.fixture(scope="module")
def text(evidence, table):
    return page(evidence, table)


@pytest.fixture
def opened(browser, text, tmp_path):
    """Open the page from disk; fails at the end where it printed an error or asked for another file."""
    path = tmp_path / "results.html"
    path.write_text(text, encoding="utf-8")
    troubles = []

    def call(width=1200, height=900):
        tab = browser.new_page(viewport={"width": width, "height": height})
        tab.on("console", lambda message: troubles.append(message.text))
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("request", lambda request: troubles.append(request.url) if request.url.startswith("http") else None)
        tab.goto(path.as_uri())
        tab.wait_for_function("document.getElementById('canvas-left').width > 0")
        settle(tab)
        return tab

    yield call
    assert troubles == []


def settle(tab) -> None:
    """Wait until every image is decoded and drawn, however long that takes."""
    tab.wait_for_function("[...images.values()].every((image) => image.complete)")
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def zoom(tab, turn: float) -> None:
    """Turn the wheel until the page has noticed."""
    tab.mouse.wheel(0, turn)
    tab.wait_for_function("view.scale > 1")
    settle(tab)


def canvas(tab, side: str) -> np.ndarray:
    uri = tab.evaluate(f"document.getElementById('canvas-{side}').toDataURL('image/png')")
    return cv2.imdecode(np.frombuffer(base64.b64decode(uri.split(",")[1]), np.uint8), cv2.IMREAD_COLOR)


def choose(tab, **values: str) -> None:
    for name, value in values.items():
        tab.select_option(f"#view-{name}", value)
    settle(tab)


def set_wipe(tab, percent: float) -> None:
    tab.evaluate(
        "(value) => { const wipe = document.getElementById('view-wipe'); wipe.value = value;"
        " wipe.dispatchEvent(new Event('input')); }",
        percent,
    )


def point_at(tab, across: float, down: float) -> tuple[float, float]:
    """Move the pointer to a place of the left canvas, in shares of its size; returns the place in pixels of it."""
    left = tab.locator("#canvas-left")
    box = left.bounding_box()
    x, y = box["width"] * across, box["height"] * down
    # Scrolls there, and waits until nothing moves any more.
    left.hover(position={"x": x, "y": y})
    return x, y


def column(tab, number: int) -> list[str]:
    return tab.locator(f"#results tbody tr > *:nth-child({number})").all_inner_texts()


def test_the_page_shows_the_numbers_of_the_table(opened, table):
    tab = opened()
    for row in table.sections[0].rows:
        line = tab.locator(
            "#results tbody tr", has=tab.get_by_role("rowheader", name=table.row_titles[row.method.label], exact=True)
        )
        assert line.locator(".mean").all_inner_texts() == [row.cells[metric.name].text for metric in table.metrics]
        marks = [cell.get_attribute("class") for cell in line.locator("td").all()[: len(table.metrics)]]
        assert marks == [row.cells[metric.name].mark for metric in table.metrics]


def test_a_click_on_a_head_sorts_and_a_second_one_turns_the_order_round(opened, table):
    tab = opened()
    head = tab.get_by_role("button", name=re.compile(r"^EN")).first
    means = {table.row_titles[row.method.label]: row.cells["EN"].mean for row in table.sections[0].rows}
    head.click()
    assert column(tab, 1) == sorted(means, key=means.get, reverse=True)
    assert tab.locator("#results th[aria-sort]").get_attribute("aria-sort") == "descending"
    head.press("Enter")
    assert column(tab, 1) == sorted(means, key=means.get)


def test_the_wipe_shows_one_image_at_its_left_and_the_other_at_its_right(opened):
    tab = opened()
    choose(tab, left="visible", right="infrared")
    shown = {}
    for percent in (100, 0, 40):
        set_wipe(tab, percent)
        shown[percent] = canvas(tab, "left")
    edge = round(0.4 * shown[40].shape[1])
    assert not (shown[100] == shown[0]).all()
    assert (shown[40][:, : edge - 2] == shown[100][:, : edge - 2]).all()
    assert (shown[40][:, edge + 2 :] == shown[0][:, edge + 2 :]).all()


def test_zoom_and_move_are_shared_by_both_sides(opened):
    tab = opened()
    choose(tab, mode="both", left="visible", right="visible")
    before = canvas(tab, "left")
    point_at(tab, 0.4, 0.3)
    zoom(tab, -300)
    zoomed = canvas(tab, "left")
    assert not (zoomed == before).all()
    assert (zoomed == canvas(tab, "right")).all()
    tab.locator("#stage").focus()
    tab.keyboard.press("ArrowRight")
    assert not (canvas(tab, "left") == zoomed).all()
    assert (canvas(tab, "left") == canvas(tab, "right")).all()
    tab.keyboard.press("0")
    assert (canvas(tab, "left") == before).all()


def test_zooming_keeps_the_point_under_the_pointer(opened):
    tab = opened()
    choose(tab, mode="both", left="visible", right="visible")
    across, down = point_at(tab, 0.6, 0.5)
    image = "[...images.values()][0]"
    seen = f"(([x, y, w, h]) => [({across} - x) / w, ({down} - y) / h])(place(byId('canvas-left'), {image}))"
    before = tab.evaluate(seen)
    zoom(tab, -240)
    assert tab.evaluate(seen) == pytest.approx(before, abs=2e-3)  # a canvas has whole pixels
    assert tab.evaluate("view.scale") > 1.5


def test_the_difference_of_an_image_to_itself_is_black(opened):
    tab = opened()
    choose(tab, mode="difference", left="laplacian", right="laplacian")
    assert canvas(tab, "left").max() == 0
    choose(tab, right="infrared")
    assert canvas(tab, "left").max() > 100


def test_labels_lie_over_the_image_with_a_legend(opened):
    tab = opened()
    set_wipe(tab, 100)
    plain = canvas(tab, "left")
    choose(tab, overlay="Labels")
    assert not (canvas(tab, "left") == plain).all()
    assert "car" in tab.locator("#view-legend").inner_text().lower()


def test_pairs_can_be_ordered_by_the_difference_of_two_methods(opened, evidence, numbers):
    tab = opened()
    choose(tab, left="average", right="laplacian", order="Qabf")
    (dataset,) = evidence.datasets
    first, second = (numbers.values(dataset, label, "Qabf") for label in ("average", "laplacian"))
    expected = (first - second).abs().sort_values(ascending=False)
    shown = tab.locator("#view-pair option").all_inner_texts()
    assert shown == [f"{pair} ({gap:.4f})" for pair, gap in expected.items()]
    assert tab.locator("#view-pair").input_value() == expected.index[0]
    tab.click("#view-next")
    assert tab.locator("#view-pair").input_value() == expected.index[1]
    assert tab.locator("#view-values caption").inner_text().startswith("Values of pair")


def test_values_of_the_pair_stand_beside_the_image(opened, evidence, numbers, table):
    tab = opened()
    pair = tab.locator("#view-pair").input_value()
    (dataset,) = evidence.datasets
    line = tab.locator("#view-values tbody tr", has=tab.get_by_role("rowheader", name="Laplacian pyramid"))
    measured = [metric.name for metric in table.metrics if metric.name not in {"mIoU", "AP50", "AP"}]
    expected = [numbers.values(dataset, "laplacian", name)[pair] for name in measured]
    # Those are measures of the data set, so a pair has no column of them.
    assert line.locator("td").all_inner_texts() == [f"{value:.4f}" for value in expected]


def test_a_chart_is_shown_for_the_chosen_metric_only(opened):
    tab = opened()
    tab.select_option("#chart-metric", "VIF")
    shown = tab.locator(".chart:visible")
    assert shown.count() == 1
    assert shown.get_attribute("data-metric") == "VIF"
    assert shown.locator("figcaption").all_inner_texts() == [
        "Values of the pairs: VIF",
        "Quality against latency: VIF",
        "Critical difference: VIF",
    ]


@pytest.mark.parametrize("mode", ["wipe", "both"])
def test_the_page_fits_a_phone(opened, mode):
    tab = opened(390, 800)
    choose(tab, mode=mode)
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert tab.locator("#canvas-left").bounding_box()["width"] > 300


def test_provenance_says_how_to_reproduce(opened):
    tab = opened()
    assert tab.locator("#provenance code").inner_text() == (
        "uaabench run --methods laplacian,noise --datasets demo --limit 4"
    )


def test_the_page_refers_to_nothing_outside(text):
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text)
    assert "@import" not in text


def test_a_run_without_images_still_has_its_tables(evidence, table):
    assert "No images of this run are part of this page" in page(evidence, table, shown_pairs=0)


def test_names_cannot_break_out_of_the_page(evidence, monkeypatch):
    monkeypatch.setitem(evidence.facts["methods"][0], "label", "</script><b>")
    assert "</script><b>" not in page(evidence, table_of(evidence), shown_pairs=0)


@pytest.mark.parametrize("budget", [60_000, 8_000])
def test_an_image_is_never_larger_than_its_share(budget):
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    uri = _encode(lambda: noise, budget)
    assert len(base64.b64decode(uri.split(",")[1])) <= budget


def test_a_coloured_image_keeps_its_colours():
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200
    uri = _encode(lambda: red, 100_000)
    image = cv2.imdecode(np.frombuffer(base64.b64decode(uri.split(",")[1]), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(image[..., ::-1].astype(int) - red).max() <= 12


def test_half_of_the_shown_pairs_are_those_on_which_methods_differ_most(evidence, numbers, table):
    (dataset,) = pictures(evidence, numbers, table, 2)
    assert len(dataset["pairs"]) == 2
    assert dataset["pairs"][0]["id"] == min(evidence.records.loc[evidence.records["scope"] == "pair", "pair"])
    assert set(dataset["pairs"][0]["layers"]) == {
        "infrared",
        "visible",
        "average",
        "maximum",
        "maximum_plus_minimum",
        "laplacian",
        "noise",
    }


def test_sources_come_from_the_floor_where_the_data_are_gone(evidence, numbers, table, monkeypatch):
    monkeypatch.setitem(evidence.facts["datasets"][0], "root", str(Path("/nowhere")))
    monkeypatch.setitem(evidence.facts["datasets"][0], "files", {})
    (dataset,) = pictures(evidence, numbers, table, 1)
    assert {"infrared", "visible"} <= set(dataset["pairs"][0]["layers"])
    assert "Labels" not in dataset["pairs"][0]["overlays"]
