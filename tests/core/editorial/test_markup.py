"""HTML as a tree, and the CSS that mail programs read."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drip.core.editorial.markup import declarations_in, matches, rules_in, tree_of, weight_of

HTML = (
    "<html><body><div class='a b' id='c'><p>One<br>two &amp; <b>three</b></p><img src='x'><p lang='en'>four</div></body></html>"
)


def test_a_tree_keeps_order_and_text() -> None:
    """Line breaks are spaces, entities are characters, and an open paragraph ends with what holds it."""
    root = tree_of(HTML)
    assert ["#document", "html", "body", "div", "p", "br", "b", "img", "p"] == [node.tag for node in root.walk()]
    assert "One two & threefour" == root.text


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("p", 2), (".a", 1), (".a.b", 1), ("div.a p", 2), ("body > p", 0), ("div > p", 2), ("#c b", 1), ("[lang]", 1),
        ('[lang="en"]', 1), ("[lang='de']", 0), (":root", 1), ("p:hover", 0), ("*", 8), ("p + p", 0), (".a > b", 0),
    ],
)  # fmt: skip
def test_selectors_mean_what_they_do_in_mail(selector: str, found: int) -> None:
    """Tags, classes, ids, attributes, children and descendants; the rest means nothing."""
    nodes = [node for node in tree_of(HTML).walk() if node.tag != "#document"]
    assert found == sum(matches(node, selector) for node in nodes)


def test_a_more_specific_selector_weighs_more() -> None:
    """Ids before classes before tags."""
    assert weight_of("p") < weight_of("div p") < weight_of(".a") < weight_of(".a p") < weight_of("#c")


def test_a_style_sheet_becomes_rules() -> None:
    """Comments go, lists of selectors are taken apart, and a condition stays with what stands in it."""
    rules = list(rules_in("/* a */ p, .a { color: red } @media (x) { b { color: BLUE !important; } } @font-face { src: y } i{}"))
    assert [("p", ""), (".a", ""), ("b", "(x)"), ("i", "")] == [(rule.selector, rule.media) for rule in rules]
    assert ("BLUE", True) == (rules[2].declarations["color"].value, rules[2].declarations["color"].important)


def test_the_last_declaration_of_a_property_wins() -> None:
    """Names are of any case."""
    assert "blue" == declarations_in("COLOR: red; color: blue; nonsense")["color"].value


@given(st.text(alphabet="<>/='\" abp{}@:;.#![]-&", max_size=60))
@example("<![:")
@example("<p><![:>x</p>")
@example("<![a[")
def test_whatever_is_written_there_is_a_tree(text: str) -> None:
    """Neither HTML nor CSS that is broken raises."""
    root = tree_of(text)
    for rule in rules_in(text):
        assert not any(matches(node, rule.selector) and node.tag == "never" for node in root.walk())
