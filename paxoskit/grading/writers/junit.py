"""JUnit XML: a test suite a student, a test case a property; continuous-integration systems show it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as xml

from paxoskit.grading.marks import Mark
from paxoskit.grading.report import FAILED, NOT_JUDGED, NOT_RUN, PASSED, number
from paxoskit.grading.writers.words import feedback, remarks

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(marks: Sequence[Mark], exercise: str) -> str:
    """Return the marks as a JUnit report."""
    suites = xml.Element("testsuites", name=exercise)
    for mark in marks:
        results = mark.report.properties
        kinds = [_kind(result.status) for result in results]
        suite = xml.SubElement(
            suites, "testsuite", name=_xml(mark.student.key), tests=str(len(results)),
            failures=str(kinds.count("failure")), errors=str(kinds.count("error")),
            skipped=str(kinds.count("skipped")), time=f"{mark.report.seconds:.3f}",
        )  # fmt: skip
        for result, kind in zip(results, kinds):
            case = xml.SubElement(
                suite, "testcase", classname=_xml(f"{exercise}.{mark.student.key}"), name=_xml(result.title),
                time=f"{result.seconds:.3f}",
            )  # fmt: skip
            if kind:
                points = f"{number(result.points)} of {number(result.of)} points"
                told = xml.SubElement(case, kind, message=_xml(f"{result.status}: {points}"))
                told.text = _xml(feedback(result))
        if remarks(mark):
            xml.SubElement(suite, "system-out").text = _xml("\n".join(remarks(mark)))
    xml.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml.tostring(suites, encoding="unicode") + "\n"


def _kind(status: str) -> str:
    if status == PASSED:
        return ""
    return {FAILED: "failure", NOT_RUN: "skipped", NOT_JUDGED: "skipped"}.get(status, "error")


def _xml(text: str) -> str:
    return NOT_XML.sub("�", text)
