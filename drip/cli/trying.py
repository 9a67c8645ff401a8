"""`drip send-test`: one letter into your own mailbox, by the door that real letters take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from drip.cli.names import COURSE, LESSON

if TYPE_CHECKING:
    from drip.core.delivery import Answer
    from drip.flows.trying import Text
    from drip.wiring import Deployment

FORMAT = 1


@click.command("send-test")
@click.argument("lesson", type=LESSON)
@click.argument("address")
@click.option("--as", "like", metavar="ADDRESS", default="", help="As this subscriber's settings make it; her links stay out.")
@click.option("--files", is_flag=True, help="From the files on disk, drafts and all, instead of the live version.")
@click.option("--short", is_flag=True, help="The short letter.")
@click.option("--course", default="", type=COURSE, metavar="ID", help="The course. [default: the only one]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_context
def send_test(
    ctx: click.Context, *, lesson: str, address: str, like: str, files: bool, short: bool, course: str, as_json: bool
) -> None:
    """Send LESSON to ADDRESS now, as a test, and say what the provider answered.

    It says [test] in its subject, its links lead nowhere, and it stands in no book: nobody's course moves by it. It goes
    whatever is held, and whatever the review says; so it is for your own mailbox. Exits with 1 when the letter or the
    address is refused, and with 3 when the provider does not answer.
    """
    from drip.cli.opening import opened
    from drip.cli.whom import key_of
    from drip.core.address import normal_address
    from drip.flows import trying

    with opened() as deployment:
        key = key_of(address, deployment)
        manner = trying.Manner(short, key_of(like, deployment) if like else "")
        text = _of_files(deployment, course) if files else trying.live_text(deployment.database, deployment.library, course)
        tried = trying.message(
            deployment.database,
            text,
            lesson,
            manner,
            address=normal_address(address),
            address_key=key,
            base_url=deployment.settings.base_url,
        )
        try:
            answer = trying.hand_over(deployment.mailer, tried)
        finally:
            deployment.mailer.close()
        mailbox = deployment.settings.sandbox_url if deployment.settings.sender == "sandbox" else ""
    said, remedy, code = _told(answer)
    if as_json:
        version = text.version
        told = {"format": FORMAT, "handed_over": code == 0, "say": said, "remedy": remedy or None, "version": version}
        click.echo(json.dumps(told | {"subject": tried.subject, "provider_knows_it_as": tried.recipients[0].delivery}, indent=2))
    else:
        click.echo(said, err=code != 0)
        if remedy:
            click.echo(f"→ {remedy}", err=True)
        if mailbox and code == 0:
            click.echo(f"No provider is set: it lies in the local mailbox, {mailbox}", err=True)
    ctx.exit(code)


def _of_files(deployment: Deployment, course: str) -> Text:
    """Return the letters of the files; raises ProblemsFound when they have faults."""
    from drip.core.problem import did_you_mean
    from drip.core.project import project_of
    from drip.errors import NotFound, ProblemsFound
    from drip.files import parse_source, read_project
    from drip.flows.trying import Text
    from drip.store.stamps import REAL
    from drip.wiring import book_of, require_own_addresses

    settings = deployment.settings
    source = read_project(settings.schedule, settings.emails)
    project, problems = project_of(parse_source(source, schedule_file=str(settings.schedule), emails=str(settings.emails)))
    if project is None:
        raise ProblemsFound([problem for problem in problems if problem.severity == "error"])
    if settings.door == REAL:
        require_own_addresses(project.schedule)
    courses = project.schedule.courses
    if not course and len(courses) == 1:
        course = next(iter(courses))
    if course not in courses:
        hint = did_you_mean(course, courses, otherwise=f"there are: {', '.join(courses)}")
        raise NotFound(f"there is no course {course!r} in the files; {hint}" if course else f"say which --course; {hint}")
    return Text(course, courses[course], book_of(project, course, settings.base_url))


def _told(answer: Answer) -> tuple[str, str, int]:
    """Return what the provider's answer means, what to do, and the exit code."""
    from drip.core.delivery import Refused, SenderRefused, Submitted, TryLater, Unknown

    match answer:
        case Submitted(message_id):
            receipt = f", message {message_id}" if message_id else ""
            return f"the provider took it{receipt}; look for [test] in the mailbox, and in its spam", "", 0
        case Refused(reason):
            return f"the provider refused it: {reason}", "read the reason: it is about the letter, or about the address", 1
        case SenderRefused(reason, remedy):
            return f"the provider refuses us: {reason}", remedy, 1
        case TryLater(reason):
            return f"the provider did not take it: {reason}", "try again; drip doctor looks at what is between", 3
        case Unknown(reason):
            return f"nobody knows whether it went: {reason}", "look into the mailbox before you try again", 3
