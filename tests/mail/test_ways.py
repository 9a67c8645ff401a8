"""Domains and numbers in fixed words: what becomes a link, and what stays words."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML

from drip.mail.render.markdown import tokens_of
from drip.mail.render.plain import text_of
from drip.mail.render.ways import with_ways


def html(markdown: str, **numbers: str) -> str:
    """Return the HTML of *markdown* with its ways."""
    options = MarkdownIt("commonmark").options
    return str(RendererHTML().render(with_ways(tokens_of(markdown), numbers), options, {})).strip()


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("Go to befrienders.org.", 'Go to <a href="https://befrienders.org">befrienders.org</a>.'),
        ("a.org or b-c.com, now", '<a href="https://a.org">a.org</a> or <a href="https://b-c.com">b-c.com</a>, now'),
        ("*Go* to lines.a.org", '<em>Go</em> to <a href="https://lines.a.org">lines.a.org</a>'),
    ],
)
def test_a_bare_domain_is_a_link(markdown: str, shown: str) -> None:
    """Over https, and its words stay what they were."""
    assert f"<p>{shown}</p>" == html(markdown)


@pytest.mark.parametrize(
    "words",
    ["Write to sam@example.org", "That is all. org charts come later", "wait.Go", "v1.2.net2", "https://a.org/page", "x.org.uk"],
)
def test_what_only_looks_like_one_is_not(words: str) -> None:
    """An address, a missing space and half of a longer name lead nowhere."""
    assert f"<p>{words}</p>" == html(words)


def test_what_is_a_link_already_stays_as_it_is() -> None:
    """No link stands in a link."""
    assert '<p>See <a href="https://b.org/x">a.org</a> too</p>' == html("See [a.org](https://b.org/x) too")


def test_a_number_is_dialled_as_it_is_told() -> None:
    """The words stand as they are read, the target as a telephone takes it; one that cannot be called is words."""
    tokens = with_ways(tokens_of("Call 000 111, or text 222."), {"000 111": "000111", "222": ""})

    shown = str(RendererHTML().render(tokens, MarkdownIt("commonmark").options, {}))
    assert '<p>Call <a href="tel:000111">000 111</a>, or text 222.</p>' == shown.strip()


def test_the_text_part_does_not_change() -> None:
    """No line with the target is added where the words are the whole way."""
    words = "Go to befrienders.org, or call 000 111."

    assert words == text_of(with_ways(tokens_of(words), {"000 111": "000111"}))
