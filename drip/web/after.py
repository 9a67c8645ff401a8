"""After the last letter: what a reader may choose then, and all her letters as one file."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import escape

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from drip.core.enrollment import Stage
from drip.core.token import MY
from drip.flows import finishing, showing
from drip.flows.showing import Shown
from drip.web.desk import Desk, Form
from drip.web.guard import LETTER_POLICY

KEEP, LETTERS = "keep", "letters"

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_TOKEN = "x7taken-out7x"  # noqa: S105 - what stands where a token would, until the link is taken out
_HEAD_STYLE = re.compile(r"<style\b[^>]*>.*?</style>", re.DOTALL | re.IGNORECASE)
_BODY = re.compile(r"<body\b[^>]*>(.*)</body\s*>", re.DOTALL | re.IGNORECASE)
_FOOT_LINKS = re.compile(r'<ul\b[^>]*class="links"[^>]*>.*?</ul>', re.DOTALL)
_PREHEADER = re.compile(r'<div\b[^>]*class="preheader"[^>]*>.*?</div>', re.DOTALL)
_HER_LINK = re.compile(rf'<a\b[^>]*href="[^"]*{_TOKEN}[^"]*"[^>]*>(.*?)</a>', re.DOTALL)
_FOR_OUTLOOK = re.compile(r"<!--\[if\b.*?<!\[endif\]-->", re.DOTALL)


def after_router(desk: Desk) -> APIRouter:
    """Return the page of what comes after, and the file of her letters."""
    router = APIRouter()
    database, library = desk.deployment.database, desk.deployment.library

    @router.api_route("/my/{token}/after", methods=["GET", "HEAD"])
    def show(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        sequel = finishing.offered(database, library, shown.person.public_id)
        count = 0 if sequel is None else len(sequel.lessons)
        return desk.person_page(
            "after.html",
            shown,
            finished=shown.person.state == Stage.FINISHED,
            going_on=goes_on(shown),
            forget_on=forget_on(shown),
            comes_on=None if sequel is None else sequel.comes_on,
            count=count,
            words=in_words(count),
            wording=wording(shown, count),
        )

    @router.post("/my/{token}/after")
    def choose(token: str, form: Form) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        public_id, what = shown.person.public_id, form.get("what")
        if what == KEEP:
            finishing.keep(database, public_id)
        elif what == LETTERS:
            sequel = finishing.offered(database, library, public_id)
            agreed = wording(shown, 0 if sequel is None else len(sequel.lessons))
            # The address of the form without the token in it: it is kept as the proof of what was pressed.
            form_at = f"{desk.deployment.settings.base_url}/my/…/after"
            finishing.go_on(database, library, public_id, wording=agreed, source="after page", form=form_at)
        else:
            return desk.trouble(400)
        return desk.lead(f"{desk.links(shown).my}/after")

    @router.api_route("/my/{token}/letters.html", methods=["GET", "HEAD"])
    def letters(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        again = (showing.letter_again(shown, library, one, my_token=_TOKEN, leave_token=_TOKEN) for one in by_date(shown))
        pages = [(letter.subject, letter.html) for letter in again if letter is not None]
        headers = {
            "Content-Security-Policy": LETTER_POLICY,
            "Content-Disposition": 'attachment; filename="letters.html"',
        }
        return HTMLResponse(bound(shown.course.title, shown.course.language, pages), headers=headers)

    return router


def forget_on(shown: Shown) -> date | None:
    """Return the day on which somebody who finished is forgotten, where she lives; None when her page is kept, or she is not."""
    person = shown.person
    if person.state != Stage.FINISHED or person.keep or person.ended_at is None:
        return None
    last_day = person.ended_at + timedelta(days=shown.course.retention.finished)
    return last_day.astimezone(person.rhythm(shown.course).zone).date()


def goes_on(shown: Shown) -> bool:
    """Return whether the letters that still come are the later ones, which she asked for."""
    later = {lesson.id for lesson in shown.course.afterwards}
    return shown.person.state == Stage.ACTIVE and shown.person.next_lesson in later


def wording(shown: Shown, count: int) -> str:
    """Return what she agrees to when she asks for the late letters, word by word."""
    letters = "the one later letter" if count == 1 else f"the {in_words(count)} later letters"
    return f"I agree to get {letters} of {shown.course.title} by mail, and that my address is kept until then."


def by_date(shown: Shown) -> list[str]:
    """Return the letters that she had in the order of the dates on which they came."""
    return sorted(shown.letters, key=lambda one: shown.letters[one].went_on or shown.letters[one].letter_on)


def in_words(count: int) -> str:
    """Return a small number as a word."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def bound(title: str, language: str, letters: list[tuple[str, str]]) -> str:
    """Return *letters* (subject and page of each) as one file that needs nothing else and leads to no page of hers."""
    styles = dict.fromkeys(style for _, html in letters for style in _HEAD_STYLE.findall(_FOR_OUTLOOK.sub("", html)))
    parts = []
    for number, (subject, html) in enumerate(letters, start=1):
        body = _BODY.search(_FOR_OUTLOOK.sub("", html))
        inner = _HER_LINK.sub(r"\1", _FOOT_LINKS.sub("", _PREHEADER.sub("", body[1] if body else html)))
        parts.append(f'<section id="letter-{number}" aria-label="{escape(subject)}">\n{inner}\n</section>')
    entries = "\n".join(
        f'<li><a href="#letter-{number}">{escape(subject)}</a></li>' for number, (subject, _) in enumerate(letters, start=1)
    )
    return f"""<!doctype html>
<html lang="{escape(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}: my letters</title>
{"".join(styles)}
<style>{_STYLE}</style>
</head>
<body>
<main>
<nav class="contents" aria-label="My letters">
<h1>{escape(title)}: my letters</h1>
<ul>
{entries}
</ul>
</nav>
{"".join(parts)}
</main>
</body>
</html>
"""


_STYLE = """
:root { color-scheme: light dark; }
.contents { max-width: 36rem; margin: 0 auto; padding: 1.5rem 1rem; font: 1.125rem/1.6 Georgia, serif; }
.contents h1 { font-size: 1.5rem; line-height: 1.3; }
.contents li { padding: 0.4rem 0; }
.contents a { color: inherit; }
section { border-top: 1px solid #8a8578; }
@media print { section { break-before: page; border: 0; } }
"""
