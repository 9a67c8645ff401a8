"""The one module that knows Celery: tasks carry ids, never a letter, and none has an ETA.

Redis is a hint channel. A lost message costs seconds, because the next tick hints again; a repeated one finds nothing
to claim. Every setting below has its reason beside it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import structlog
from celery import Celery, signals
from celery.worker import state
from kombu.exceptions import OperationalError

from drip import clock, config
from drip.errors import DripError, where
from drip.flows import asking, forgetting, listening
from drip.flows.sending import nothing
from drip.flows.sending.work import CannotRecord
from drip.flows.ticking import CameBack, ClockJumped
from drip.store.owners import LOOKS, Watchdog
from drip.wiring import Deployment, log_to_stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drip.flows.sending import Sender
    from drip.flows.ticking import Ticker
    from drip.store.owners import Incarnation

VISIBILITY_SECONDS = 900
TASK_SECONDS_MAX = 600
TICK_SECONDS = 2.0
CANNOT_RECORD_EXIT = 70
LOOK_SECONDS = 0.2
"""How often an idle worker looks whether it is to stop; Celery's own loop looks once a second."""
DEAF_LOOKS = 10
"""How many looks in a row at a full prefetch without a task at hand show that acknowledgements were lost."""

log = structlog.get_logger("drip.tasks")


class Process:
    """What one worker process works with, made in the process itself: a fork inherits locks and sockets it must not share."""

    def __init__(self, settings: config.Settings, at: Callable[[str], None], patience: config.Patience) -> None:
        """Open nothing yet."""
        self.pid = os.getpid()
        self.deployment = Deployment(settings, patience)
        self._at = at
        self._owner: Incarnation | None = None
        self._sender: Sender | None = None
        self._ticker: Ticker | None = None

    @property
    def sender(self) -> Sender:
        """What hands batches over, owned by this process."""
        if self._sender is None:
            self._owner = self.deployment.incarnation()
            self._sender = self.deployment.sender(self._owner, at=self._at)
        return self._sender

    @property
    def ticker(self) -> Ticker:
        """The ticks of this process."""
        if self._ticker is None:
            self._ticker = self.deployment.ticker()
        return self._ticker


class Work:
    """The three tasks, over what the process at hand works with."""

    def __init__(self, app: Celery, settings: config.Settings, at: Callable[[str], None], patience: config.Patience) -> None:
        """Open nothing yet: a fork comes in between."""
        self._app = app
        self._settings = settings
        self._at = at
        self._patience = patience
        self._process: Process | None = None

    def _here(self) -> Process:
        if self._process is None or self._process.pid != os.getpid():
            self._process = Process(self._settings, self._at, self._patience)
        return self._process

    def tick(self) -> None:
        """Do one tick, hint at what came of it, and work off what the provider reported meanwhile."""
        try:
            report = self._here().ticker.tick()
        except (CameBack, ClockJumped):
            return
        hints = Hints(self._app)
        for batch_id in report.hints:
            if not hints.send(batch_id):
                # The others would be lost as well, each after its own wait; the next tick hints at all of them.
                break
        self.listen()
        if report.more:
            hints.tick()

    def send(self, batch_id: str) -> None:
        """Hand one batch over."""
        try:
            self._here().sender.send(batch_id)
        except CannotRecord:
            # Only our death lets the next tick prove that nobody is calling the provider any more.
            log.critical("cannot-record", batch=batch_id)
            os._exit(CANNOT_RECORD_EXIT)

    def listen(self) -> None:
        """Work off reports and forms, and forget whoever asked for it or whose time is over."""
        deployment = self._here().deployment
        while listening.work(deployment.database, deployment.library):
            pass
        while asking.work(deployment.database, deployment.library, suppression_key=deployment.suppression_key):
            pass
        forgetting.work(deployment.database, deployment.library, deployment.directory)
        forgetting.pass_over(deployment.database, deployment.library)


class Hints:
    """Publishes hints at work; a broker that does not answer is no harm, the next tick hints again."""

    def __init__(self, app: Celery) -> None:
        """Publish through *app*."""
        self._app = app

    def tick(self) -> None:
        """Ask for a tick now."""
        self._publish("drip.tick")

    def listen(self) -> None:
        """Say that reports or forms wait to be worked off."""
        self._publish("drip.listen")

    def send(self, batch_id: str) -> bool:
        """Say that a batch waits to be handed over, and return whether the broker took it."""
        return self._publish("drip.send", batch_id)

    def _publish(self, name: str, *arguments: str) -> bool:
        try:
            self._app.tasks[name].apply_async(arguments, retry=False)
        except (OperationalError, OSError) as trouble:
            log.warning("hint-lost", task=name, why=type(trouble).__name__)
            return False
        return True


def make_app(
    settings: config.Settings | None = None,
    *,
    at: Callable[[str], None] = nothing,
    patience: config.Patience = config.Patience(),  # noqa: B008 - frozen
    tick_seconds: float = TICK_SECONDS,
) -> Celery:
    """Return the Celery application; *at* hears the named points of a batch, for tests that kill the worker there."""
    found = settings or config.load()
    app = Celery("drip")
    app.conf.update(_celery_settings(found, tick_seconds))
    work = Work(app, found, at, patience)

    # Plain functions: Celery reads the signature of what it is given, and a bound method's holds `self`. Not shared: a
    # second application in the same process would be given the tasks, and so the settings, of the first.
    @app.task(name="drip.tick", shared=False, expires=10 * tick_seconds)
    def tick() -> None:
        with _said_of("drip.tick"):
            work.tick()

    @app.task(name="drip.send", shared=False)
    def send(batch_id: str) -> None:
        with _said_of("drip.send"):
            work.send(batch_id)

    @app.task(name="drip.listen", shared=False, expires=60)
    def listen() -> None:
        with _said_of("drip.listen"):
            work.listen()

    _watch(app, found, patience.watchdog_seconds)
    return app


@contextlib.contextmanager
def _said_of(task: str) -> Iterator[None]:
    """Log what breaks a task, without the message: Celery would print the whole trace, and a driver's may name an address.

    Nothing is lost by going on: what the task left undone is found by the next tick.
    """
    try:
        yield
    except Exception as trouble:  # noqa: BLE001 - whatever it is, the next tick goes on
        log.error("task-broke", task=task, error=type(trouble).__name__, at=where(trouble))  # noqa: TRY400 - see `where`


def _celery_settings(settings: config.Settings, tick_seconds: float) -> dict[str, Any]:
    transport = {
        # A task that runs longer than this is given to a second worker: harmless, but a waste.
        "visibility_timeout": VISIBILITY_SECONDS,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": False,
        # A hint is tried once and then lost: whoever gives it has better things to do than to wait for a broker.
        "max_retries": 0,
        # One queue, one priority: one key to look at.
        "priority_steps": [0],
    }
    return {
        "broker_url": settings.redis_url or "redis+socket:///nowhere",
        # Nobody asks for results: the database has them.
        "result_backend": None,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        # Two installations that share a Redis must not take each other's hints.
        "task_default_queue": settings.queue,
        # A killed worker's hint comes back; claims in the database make the repeat harmless.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_max_tasks_per_child": 1_000,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_soft_shutdown_timeout": 30,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        # Below the visibility timeout, far above the longest request.
        "task_time_limit": TASK_SECONDS_MAX,
        "broker_transport_options": transport,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": 5,
        "timezone": "UTC",
        "enable_utc": True,
        "beat_schedule": {"tick": {"task": "drip.tick", "schedule": tick_seconds, "options": {"expires": 10 * tick_seconds}}},
        "beat_max_loop_interval": max(1, int(tick_seconds)),
    }


def _watch(app: Celery, settings: config.Settings, watchdog_seconds: float) -> None:
    """Set up a worker's parent: check the door before any work, and kill children whose heart has stopped."""

    @signals.worker_init.connect(weak=False)
    def begin(sender: Any = None, **_: Any) -> None:  # noqa: ANN401 - Celery's own
        if getattr(sender, "app", None) is not app:
            return
        log_to_stderr(settings.log)
        deployment = Deployment(settings)
        try:
            deployment.check_door()
        except DripError as trouble:
            log.critical("cannot-start", why=str(trouble))
            raise SystemExit(trouble.exit_code) from trouble
        finally:
            deployment.database.dispose()
        threading.Thread(target=_watchdog, args=[settings, watchdog_seconds], name="drip-watchdog", daemon=True).start()

    @signals.worker_ready.connect(weak=False)
    def stop_promptly(sender: Any = None, **_: Any) -> None:  # noqa: ANN401 - Celery's own
        if getattr(sender, "app", None) is app and sender.hub is not None:
            sender.hub.call_repeatedly(LOOK_SECONDS, Ear(sender).look)

    @signals.worker_process_shutdown.connect(weak=False)
    def end_promptly(exitcode: int = 0, **_: Any) -> None:  # noqa: ANN401 - Celery's own
        # The last result has been read by now; what follows in billiard is a second of sleep and this same line.
        os._exit(exitcode)

    @signals.beat_init.connect(weak=False)
    def begin_beat(**_: Any) -> None:  # noqa: ANN401 - Celery's own
        log_to_stderr(settings.log)


class Ear:
    """Notices that a worker's parent hears no hints any more, and makes it connect again.

    An acknowledgement that fails with its connection (Redis was killed) is logged by Celery and else forgotten, but goes
    on counting as work at hand. Once they fill the prefetch, the parent never reads from Redis again, so it never notices
    the broken connection either, and does nothing for ever.
    """

    def __init__(self, consumer: Any) -> None:  # noqa: ANN401 - Celery's own
        """Listen at Celery's *consumer*."""
        self._consumer = consumer
        self._looks = 0

    def look(self) -> None:
        """Raise ConnectionResetError, on which Celery connects again, when nothing is at hand and nothing more is taken."""
        tasks = self._consumer.task_consumer
        deaf = tasks is not None and not state.reserved_requests and not tasks.channel.qos.can_consume()
        self._looks = self._looks + 1 if deaf else 0
        if self._looks >= DEAF_LOOKS:
            log.error("deaf", why="acknowledgements were lost with a connection", remedy="connecting again")
            raise ConnectionResetError("acknowledgements were lost with a connection")


def _watchdog(settings: config.Settings, seconds: float) -> None:
    watchdog = Watchdog(settings.owners_directory)
    while True:
        clock.wait(seconds / LOOKS)
        hung = watchdog.look()
        for pid in hung:
            log.error("worker-killed", pid=pid, why="its heart stopped", signal=int(signal.SIGKILL))
        # Only now: each death makes the pool fork, and a fork in the middle of a log line copies a lock that nobody opens.
        for pid in hung:
            watchdog.kill(pid)
