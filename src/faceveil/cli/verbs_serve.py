"""``faceveil serve`` and ``faceveil worker``: the web page, the REST service, and its workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faceveil.cli.flags import add_verb, given_of
from faceveil.cli.ui import UI
from faceveil.cli.verbs import FIND, MACHINE, PAINT, TRACK, app
from faceveil.errors import ExitCode, UsageError
from faceveil.i18n import listed, say
from faceveil.system.extras import advice_for

if TYPE_CHECKING:
    from faceveil.options import Options
    from faceveil.server.settings import Service


SERVICE = ("address", "store", "limits", "lifetimes", "webhooks")


@add_verb(app, groups=(*SERVICE, *PAINT, *FIND, *TRACK, "jobs"))
def serve(*, ui: UI, service: Service, options: Options) -> ExitCode:
    """Serve the web page and the REST API on this machine. Settings are defaults of every job."""
    _require_packages()
    from faceveil.detect.runtime import bounded
    from faceveil.options.groups import group_of
    from faceveil.server.serve import serve

    given = given_of(options)
    workers = bounded(options.jobs)
    machine = _machine(options)
    if workers > 1 and not options.threads:
        machine["threads"] = 1
    base = {
        name: value for name, value in given.items() if group_of(name) not in ("machine", "batch")
    }

    serve(service, base, machine, workers, ui.result)
    return ExitCode.OK


@add_verb(app, groups=("store", *MACHINE))
def worker(*, ui: UI, service: Service, options: Options) -> ExitCode:
    """Take jobs from the same folder and queue as a server, in this process."""
    _require_packages()
    from faceveil.server.serve import open_store
    from faceveil.server.tell import is_news
    from faceveil.server.worker import run_worker

    def tell(error: Exception) -> None:
        if is_news(f"{type(error).__name__}: {error}"):
            ui.error(error)

    store, queue = open_store(service)
    ui.note(say("waiting for jobs in {folder}", folder=store.folder))
    run_worker(store, queue, _machine(options), on_error=tell)
    return ExitCode.OK


def _machine(options: Options) -> dict[str, Any]:
    weights = options.weights and str(options.weights.absolute())
    names = ("device", "threads", "time_limit")
    return {"weights": weights, **{name: getattr(options, name) for name in names}}


def _require_packages() -> None:
    import sys
    from importlib.util import find_spec

    if sys.platform == "win32":
        raise UsageError(
            say("the server needs Linux or macOS"), say("run it there, in WSL or a container")
        )

    missing = [
        name
        for name in ("fastapi", "uvicorn", "huey", "python_multipart", "prometheus_client")
        if find_spec(name) is None
    ]
    if missing:
        raise UsageError(
            say(
                "the server needs packages that are not installed: {missing}",
                missing=listed(missing),
            ),
            advice_for("server"),
        )
