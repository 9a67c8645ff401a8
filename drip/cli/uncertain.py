"""`drip uncertain …`: letters of which nobody knows whether the provider took them, with their evidence, to settle."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drip.flows.settling import Settled
    from drip.store.doubts import Doubt
    from drip.wiring import Deployment

FORMAT = 1


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def uncertain() -> None:
    """Letters that may have gone, which nobody knows."""


@uncertain.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def list_(*, as_json: bool) -> None:
    """Show every letter in doubt with its evidence.

    The number of the delivery, since when and why it is in doubt, and what the provider knows of it. The provider keeps our
    delivery id with each letter: look for it there before you settle anything.
    """
    from drip.cli.opening import opened
    from drip.flows import settling

    with opened() as deployment:
        found = list(settling.in_doubt(deployment.database))
    if as_json:
        click.echo(json.dumps({"format": FORMAT, "letters": [_as_json(one) for one in found]}, indent=2, ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one.id:>8}  {one.course}/{one.letter}, {one.occasion}, enrollment {one.enrollment_id}")
        click.echo(f"          since {one.state_at:%Y-%m-%d %H:%M} UTC: {one.detail or 'no answer came'}")
        known = [f"reported as {one.outcome}" if one.outcome else "no report"]
        known += [f"message {one.message_id}"] if one.message_id else []
        named = (
            "look at the provider by her address and the date" if _id_lost(one) else f"the provider knows it as {one.public_id}"
        )
        click.echo(f"          {', '.join(known)}; {named}")
    if not found:
        click.echo("nothing is in doubt", err=True)


def _id_lost(one: Doubt) -> bool:
    """Whether the letter may have gone under another id, which was lost with the books of that time."""
    from drip.core.lapse import ID_LOST

    return one.detail.endswith(ID_LOST)


def _as_json(one: Doubt) -> dict[str, Any]:
    return {
        "delivery": one.id,
        "provider_knows_it_as": None if _id_lost(one) else one.public_id,
        "course": one.course,
        "letter": one.letter,
        "occasion": one.occasion,
        "kind": one.kind,
        "version": one.version_id,
        "enrollment": one.enrollment_id,
        "letter_went_on": one.went_on.isoformat() if one.went_on else None,
        "since": one.state_at.isoformat(timespec="seconds"),
        "evidence": one.detail,
        "outcome": one.outcome,
        "message_id": one.message_id,
    }


def _settling(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what both ways of settling take."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead."),
        click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal."),
        click.option("--why", required=True, metavar="REASON", help="How you know; it stays with the delivery."),
        click.option("--by", required=True, metavar="NAME", help="Who says so; it stays with the delivery."),
        click.argument("deliveries", type=click.IntRange(1, 2**63 - 1), nargs=-1, required=True),
    ):
        command = option(command)
    return command


@uncertain.command()
@_settling
@click.pass_context
def submitted(ctx: click.Context, *, deliveries: tuple[int, ...], by: str, why: str, yes: bool, as_json: bool) -> None:
    """Call DELIVERIES submitted: you know that the provider took them. No letter goes, and nobody's date moves."""
    from drip.flows import settling

    question = f"You say that the provider took {_count(deliveries)}."

    def settle(deployment: Deployment, one: int) -> Settled:
        return settling.submitted(deployment.database, one, by=by, why=why)

    _settle(ctx, deliveries, question, settle, yes=yes, as_json=as_json)


@uncertain.command()
@_settling
@click.pass_context
def resend(ctx: click.Context, *, deliveries: tuple[int, ...], by: str, why: str, yes: bool, as_json: bool) -> None:
    """Let DELIVERIES go once more: you know that the provider did not take them.

    Without that knowledge somebody may get the same letter twice. Each goes under its own number, in her window and with
    her minimum gap; exit code 1 where one may not go once more, with the reason.
    """
    from drip.flows import settling

    question = f"You say that the provider did not take {_count(deliveries)}. Whoever has one already gets it twice."

    def settle(deployment: Deployment, one: int) -> Settled:
        return settling.resend(deployment.database, deployment.library, one, by=by, why=why)

    _settle(ctx, deliveries, question, settle, yes=yes, as_json=as_json)


def _count(deliveries: Sequence[int]) -> str:
    return "this letter" if len(set(deliveries)) == 1 else f"these {len(set(deliveries))} letters"


def _settle(
    ctx: click.Context,
    deliveries: Sequence[int],
    question: str,
    settle: Callable[[Deployment, int], Settled],
    *,
    yes: bool,
    as_json: bool,
) -> None:
    from drip.cli.opening import opened
    from drip.errors import UsageError
    from drip.wiring import log_to_stderr

    if not yes and not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at; say --yes")
    with opened() as deployment:
        log_to_stderr(deployment.settings.log)
        if not yes:
            click.echo(question, err=True)
            click.confirm("Is that so?", abort=True, err=True)
        found = [settle(deployment, one) for one in dict.fromkeys(deliveries)]
    if as_json:
        letters = [{"delivery": one.delivery, "done": one.done, "say": one.say} for one in found]
        click.echo(json.dumps({"format": FORMAT, "letters": letters}, indent=2, ensure_ascii=False))
    else:
        for one in found:
            click.echo(f"{one.delivery}: {one.say}", err=not one.done)
    ctx.exit(0 if all(one.done for one in found) else 1)
