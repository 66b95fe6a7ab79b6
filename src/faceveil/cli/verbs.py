"""The verbs. Each asks the library for one thing and says what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceveil.cli.flags import HELP, add_verb
from faceveil.cli.live import live
from faceveil.cli.runs import count, find_jobs, read_plan, run_each, save_plan, veil_many, veil_one
from faceveil.cli.ui import UI
from faceveil.cli.weights import weights_app
from faceveil.errors import SOME_FAILED, UsageError, WithheldError

if TYPE_CHECKING:
    from faceveil.options import Options
    from faceveil.pipeline import Progress
    from faceveil.report import Finding, Report
    from faceveil.types import Plan

# The groups of settings that a verb offers: those it makes use of.
FIND = ("input", "detection")
TRACK = ("tracking",)
PAINT = ("protection", "output", "video", "check")
BATCH = ("batch",)
LIVE = ("protection", *FIND, *TRACK, "live")

app = typer.Typer(
    name="faceveil",
    help="Obscure every face in photos and videos, on this machine, with no network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # loading rich would take half of the time `faceveil --help` has
    context_settings=HELP,
)
app.add_typer(weights_app, name="weights")

Inputs = Annotated[
    list[Path], typer.Argument(metavar="INPUT", help="Files, or folders with all below them.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        help="The file to write, or the folder for several. Unset: x.veiled.jpg beside x.jpg.",
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", help="Save what was done: one JSON object a line, one line a file."),
]
PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", help="Save where the faces are, to edit and render. One input only."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"faceveil {installed('faceveil')}")
        raise typer.Exit


@add_verb(app, groups=(*PAINT, *FIND, *TRACK, *BATCH))
def veil(
    inputs: Inputs,
    out: Out = None,
    report: ReportFile = None,
    plan: PlanFile = None,
    *,
    ui: UI,
    options: Options,
) -> int:
    """Find and obscure every face, then check the result. No input is ever changed."""
    from faceveil.pipeline import analyze_file, veil_file

    jobs = find_jobs(inputs, report=report, plan=plan)
    _warn_recoverable(ui, options)
    if len(jobs) > 1 or inputs[0].is_dir():
        return veil_many(ui, jobs, out, options, report)
    path = jobs[0].path

    def work(progress: Progress) -> Report:
        found = None
        if plan is not None:
            found = analyze_file(path, options, progress=progress)
            save_plan(plan, found)
        return veil_file(path, out, options, plan=found, progress=progress)

    return veil_one(ui, path, out, work, report)


@add_verb(app, groups=(*FIND, *TRACK))
def detect(
    inputs: Inputs,
    json: Json = False,
    plan: PlanFile = None,
    *,
    ui: UI,
    options: Options,
) -> int:
    """Find every face and say where, without writing a picture."""
    from faceveil.cli.lines import plan_line
    from faceveil.pipeline import analyze_file

    def show(path: Path, found: Plan) -> None:
        if plan is not None:
            save_plan(plan, found)
        faces = count(len(found.tracks), "face")
        ui.result(
            plan_line(str(path), found)
            if json
            else f"{path}: {faces} of {found.min_face:.0f} px or more, by {found.detector}"
        )

    files = [job.path for job in find_jobs(inputs, plan=plan)]
    return run_each(
        ui, files, lambda path, progress: analyze_file(path, options, progress=progress), show
    )


@add_verb(app, groups=(*PAINT, *FIND))
def render(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="The photo or video.")],
    plan: Annotated[Path, typer.Argument(help="A plan saved by veil or detect, edited or not.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")],
    report: ReportFile = None,
    *,
    ui: UI,
    options: Options,
) -> int:
    """Obscure what a saved plan says, after a person has looked at it."""
    from faceveil.pipeline import render_file

    if source.is_dir():
        raise UsageError(f"{source} is a folder; a plan is for one file")
    find_jobs([source], report=report)
    wanted = read_plan(plan)
    _warn_recoverable(ui, options)
    return veil_one(
        ui,
        source,
        out,
        lambda progress: render_file(source, wanted, out, options, progress=progress),
        report,
    )


@add_verb(app, groups=FIND)
def check(inputs: Inputs, json: Json = False, *, ui: UI, options: Options) -> int:
    """Look for faces and metadata left in finished files. Ends with 5 if there are any."""
    from faceveil.check import check_file
    from faceveil.cli.lines import findings_line

    found = 0

    def show(path: Path, findings: list[Finding]) -> None:
        nonlocal found
        found += len(findings)
        if json:
            ui.result(findings_line(str(path), findings))
            return
        for finding in findings:
            where = "" if finding.frame is None else f" in frame {finding.frame}"
            ui.result(f"{path}: {finding.kind}{where}: {finding.detail}")
        if not findings:
            ui.result(f"{path}: nothing found")

    files = [job.path for job in find_jobs(inputs)]
    code = run_each(ui, files, lambda path, progress: check_file(path, options), show)
    return WithheldError.exit_code if found else code


@add_verb(app)
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to put the two pictures.")] = Path("demo"),
    *,
    ui: UI,
) -> int:
    """Make a sample picture and obscure it. Says where before and after lie."""
    from faceveil.demo import run

    sample = run(folder)
    ui.result(f"before: {sample.before}")
    ui.result(f"after:  {sample.after}")
    ui.result(
        f"{sample.covered} of {sample.faces} faces covered, found by {sample.report.detector}, "
        f"in {sample.report.seconds:.1f} s"
    )
    return 0 if sample.covered == sample.faces else SOME_FAILED


add_verb(app, groups=LIVE)(live)


def _warn_recoverable(ui: UI, options: Options) -> None:
    if options.method == "gaussian":
        ui.warn("gaussian can be undone by software; choose blur to protect the people shown")
