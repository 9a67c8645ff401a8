"""Every letter by html-validate, which reads it as the standard for HTML says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.proof.conftest import TOOLS, node, package
from tests.proof.letters import every_letter, sample_letter


@pytest.fixture(scope="module")
def html_validate() -> Path:
    """Its program."""
    return package("html-validate") / "bin" / "html-validate.mjs"


def faults(html_validate: Path, folder: Path, letters: dict[str, str]) -> dict[str, list[str]]:
    """Return what it says about each letter that it does not like; exceptions and their reasons are in its settings."""
    for name, html in letters.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    said = node(html_validate, "--config", TOOLS / "htmlvalidate.mjs", "--formatter", "json", folder, fine=(0, 1))
    return {
        Path(found["filePath"]).stem: [f"{fault['ruleId']}: {fault['message']}" for fault in found["messages"]]
        for found in json.loads(said)
        if found["messages"]
    }


def test_no_letter_has_a_fault(html_validate: Path, tmp_path: Path) -> None:
    """Neither an error nor a warning in any letter, nor in one with everything that Markdown can make."""
    letters = {name: letter.html for name, letter in every_letter().items()}
    assert {} == faults(html_validate, tmp_path, {**letters, "sample": sample_letter()})


def test_the_exceptions_are_narrow(html_validate: Path, tmp_path: Path) -> None:
    """What Outlook needs on tables and cells is a fault elsewhere, and so are other relics."""
    relics = [
        '<p align="left">x</p>',
        '<table role="presentation" bgcolor="#ffffff"><tbody><tr><td>x</td></tr></tbody></table>',
        '<table role="presentation"><tbody><tr><td nowrap>x</td></tr></tbody></table>',
        '<table role="none"><tbody><tr><td>x</td></tr></tbody></table>',
        "<h1>x</h1><h3>y</h3>",
        "<p><div>x</div></p>",
    ]
    page = '<!DOCTYPE html>\n<html lang="en"><head><title>x</title></head><body>{}</body></html>\n'
    found = faults(html_validate, tmp_path, {str(number): page.format(relic) for number, relic in enumerate(relics)})
    assert {str(number) for number in range(len(relics))} == set(found)
