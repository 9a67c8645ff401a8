"""A small course of the tests' own, written to a folder: quick to check, quick to render, and of every kind of letter."""

from __future__ import annotations

from pathlib import Path

SCHEDULE = """\
courses:
  small:
    title: A small course
    from: {name: Sam, email: letters@example.org}
    reply_to: hello@example.org
    postal_address: 1 Example Street
    timezone: Europe/London
    send: {days: [tue], at: "09:00", until: "20:00"}
    phases:
      - id: one
        title: First
        lessons:
          - {id: hello, wait: 0 days, anytime: true, numbered: false}
          - {id: breathe, wait: 3 days}
          - {id: walk, wait: 1 week}
      - id: two
        title: Second
        lessons:
          - {id: rest, wait: 1 week}
          - {id: goodbye, wait: 1 week, numbered: false}
    on_demand:
      - {id: kit}
    afterwards:
      - {id: encore, wait: 8 weeks}
"""
"""Five lessons in two phases, a kit to ask for, and a late letter; `walk` is rendered one by one."""

HELPLINES = """\
    helplines:
      - {country: GB, name: The Listeners, number: "000 111", hours: day & night, checked_on: 2026-11-01}
      - {country: NL, name: De Lijn, number: "+31 (0)00-000", checked_on: 2026-11-02}
      - {country: NL, name: Typing, number: "text *HEY* to 00000", hours: evenings, checked_on: 2026-11-03}
"""
"""Made-up lines of two countries, to stand before the phases of a schedule."""

LESSONS = ("hello", "breathe", "walk", "rest", "goodbye")
"""The lessons of `SCHEDULE` in their order."""

FRONT = """\
---
title: The letter {id}
subject: "About {id}"
preheader: A short letter.
minutes: 2
objective: The reader can.
evidence: experience
evidence_line: Nobody has tested this.
refs: []
blocks: []
hard_day: Do nothing.
---
"""

BODY = """\
## In one line

{words}

## This week's practice

{{{{ hard_day }}}}

## You can stop here

That is all, {{{{ name }}}}. The next letter comes on {{{{ next_date }}}}.

## The idea

One practice at a time.

## How sure are we?

{{{{ evidence }}}}

## Take care

[Leave]({{{{ links.leave }}}})
"""

SYSTEM = """\
---
title: A letter of drip
subject: "About your letters"
preheader: One link.
---
[Open the page]({{ links.confirm }})
"""

LAYOUT_HTML = """\
<!DOCTYPE html>
<html lang="{{ language }}"><body><p>{{ greeting }}</p>
{% if back %}{{ back.html|safe }}{% endif %}
{% for section in sections %}{{ section.html|safe }}{% endfor %}
{% for label, url in footer_links %}<a href="{{ url }}">{{ label }}</a>{% endfor %}
</body></html>
"""
LAYOUT_TEXT = """\
{{ greeting }}
{% if back %}
{{ back.text }}
{% endif %}
{% for section in sections %}
{{ section.text }}
{% endfor %}
{% for label, url in footer_links %}
{{ label }} {{ url }}
{% endfor %}
"""
SYSTEM_HTML = "<html><body>{% for section in sections %}{{ section.html|safe }}{% endfor %}</body></html>\n"
SYSTEM_TEXT = "{% for section in sections %}{{ section.text }}{% endfor %}\n"


def with_helplines(schedule: str) -> str:
    """Return *schedule* with `HELPLINES`."""
    return schedule.replace("    phases:", f"{HELPLINES}    phases:", 1)


def lesson(lesson_id: str, words: str = "Small steps.") -> str:
    """Return the file of one lesson, with *words* under its first heading."""
    return FRONT.format(id=lesson_id) + BODY.format(words=words)


def letters() -> dict[str, str]:
    """Return the files below `emails/` that `SCHEDULE` needs."""
    found = {
        "_base/letter.html": LAYOUT_HTML,
        "_base/letter.txt": LAYOUT_TEXT,
        "_base/system.html": SYSTEM_HTML,
        "_base/system.txt": SYSTEM_TEXT,
        "_base/blocks/FX-DISC.md": "Not medical care.\n",
        "_base/blocks/FX-CARE-SHORT.md": "See a doctor.\n",
        "_base/blocks/FX-CRISIS-SHORT.md": "Call for help.\n",
        "_system/confirm.md": SYSTEM,
        "_system/my-link.md": SYSTEM,
        "_system/address-change.md": SYSTEM,
        "references.yaml": "{}\n",
    }
    for phase, lesson_id in [("one", "hello"), ("one", "breathe"), ("two", "rest"), ("two", "goodbye"), ("extra", "encore")]:
        found[f"{phase}/{lesson_id}.md"] = lesson(lesson_id)
    # To ask for her name is to decide by it, so this one cannot be rendered for many.
    found["one/walk.md"] = lesson("walk", "{% if name %}You, {{ name }}.{% else %}Nobody.{% endif %}")
    found["extra/kit.md"] = lesson("kit")
    return found


def write_course(folder: Path, *, schedule: str = SCHEDULE, changed: dict[str, str] | None = None) -> tuple[Path, Path]:
    """Write a schedule and its letters, some of them *changed*, into *folder* and return the two paths of the settings."""
    for path, text in {**letters(), **(changed or {})}.items():
        file = folder / "emails" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (folder / "schedules.yaml").write_text(schedule, encoding="utf-8")
    return folder / "schedules.yaml", folder / "emails"
