"""What continuous integration reads of the gate."""

import json
from xml.etree import ElementTree

from gated import shifted
from uaabench.reporting import gate_formats
from uaabench.reporting.gate import Change


def test_junit_has_a_case_for_each_value_and_a_failure_for_each_loss(judge):
    suite = ElementTree.fromstring(gate_formats.as_junit(list(judge(shifted(-0.05)).values())))
    assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
    (failed,) = [case for case in suite if case.find("failure") is not None]
    assert (failed.get("classname"), failed.get("name")) == ("msrs.test.uaa", "Qabf")


def test_junit_can_be_read_whatever_the_names_hold():
    change = Change(dataset="a<&", split="test", method="m\x1b\ud800", metric="EN", verdict="missing", reason='"\x00"')
    written = gate_formats.as_junit([change]).encode()
    (case,) = ElementTree.fromstring(written)
    assert case.get("classname") == r"a<&.test.m\x1b\ud800"
    assert r'EN is missing: "\x00"' in case.find("failure").get("message")


def test_json_says_whether_the_gate_passed(judge):
    found = list(judge(shifted(-0.05)).values())
    content = json.loads(gate_formats.as_json(found, ["note"]))
    assert (content["schema"], content["passed"], content["remarks"]) == (1, False, ["note"])
    assert [entry["verdict"] for entry in content["changes"]] == ["worse", "same", "same", "same"]


def test_annotations_are_one_line_of_githubs_commands(judge):
    worse, *others = gate_formats.as_annotations(judge(shifted(-0.05)).values())
    assert worse.startswith("::error title=uaabench msrs test uaa Qabf::msrs test uaa Qabf is worse")
    assert "95 %25 interval" in worse
    assert others == []
    assert next(gate_formats.as_annotations(judge(shifted(0.05)).values())).startswith("::notice ")


def test_names_do_not_end_an_annotation():
    change = Change(dataset="a,b::c", split="test", method="m\nn", metric="EN", verdict="missing", reason="50%")
    (line,) = gate_formats.as_annotations([change])
    assert line.startswith("::error title=uaabench a%2Cb%3A%3Ac test m%0An EN::a,b::c test m%0An EN is missing: 50%25")
