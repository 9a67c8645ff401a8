"""`drip subscribers …`: people on the course."""

from __future__ import annotations

import json

import click

from drip.cli.erasing import erase
from drip.cli.importing import import_
from drip.cli.looking import export, list_, show
from drip.cli.names import COURSE
from drip.cli.stopping import leave, pause, resume

FORMAT = 1


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def subscribers() -> None:
    """People on the course."""


for command in (show, list_, export, pause, resume, leave, erase, import_):
    subscribers.add_command(command)


@subscribers.command()
@click.argument("address")
@click.option("--name", default="", help="What to call her; may be left out.")
@click.option("--timezone", default="", metavar="ZONE", help="Her time zone, as Europe/London. [default: the course's]")
@click.option("--country", default="", metavar="CODE", help="Her country, as GB: its helpline then stands first in letters.")
@click.option("--course", default="", type=COURSE, metavar="ID", help="The course. [default: the only one]")
@click.option("--confirmed", is_flag=True, help="Her consent is proven elsewhere: begin at once. Otherwise a letter asks her.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_context
def add(
    ctx: click.Context, *, address: str, name: str, timezone: str, country: str, course: str, confirmed: bool, as_json: bool
) -> None:
    """Enroll one person. Without --confirmed she is asked by a letter, and nothing else comes until she says yes."""
    from drip.cli.opening import opened
    from drip.flows import enrolling

    wish = enrolling.Wish(address, name=name, timezone=timezone, country=country, course=course, source="command line")
    with opened() as deployment:
        result = enrolling.enroll(
            deployment.database, deployment.library, wish, suppression_key=deployment.suppression_key, confirmed=confirmed
        )
    if as_json:
        answer = {"format": FORMAT, "result": result.result.value, "enrollment": result.enrollment_id, "say": result.say}
        click.echo(json.dumps(answer))
    else:
        click.echo(result.say, err=result.result is enrolling.Enrolled.REFUSED)
    ctx.exit(1 if result.result is enrolling.Enrolled.REFUSED else 0)
