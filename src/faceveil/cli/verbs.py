"""The verbs. Each calls the library and prints the result."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceveil.cli.brief import HELP, Verbs
from faceveil.cli.face_search import FaceSearch, require_photos
from faceveil.cli.flags import add_verb
from faceveil.cli.runs import (
    find_inputs,
    is_many,
    make_folder,
    manifest_beside,
    run_each,
    veil_many,
    veil_one,
)
from faceveil.cli.saved import Format, read_plan, save_plan, write_dataset
from faceveil.cli.ui import UI, count
from faceveil.cli.verbs_evidence import Evidence
from faceveil.cli.verbs_live import live
from faceveil.cli.verbs_weights import weights_app
from faceveil.cli.version import show_version
from faceveil.errors import ExitCode, UsageError
from faceveil.i18n import say

if TYPE_CHECKING:
    from faceveil.options import Options
    from faceveil.pipeline import Progress
    from faceveil.plan import Plan
    from faceveil.report import Finding, Report

# The groups of settings that each verb uses.
FIND = ("input", "detection", "machine")
MACHINE = ("machine",)
FILES = ("files",)
TRACK = ("tracking",)
PEOPLE = ("people",)
PAINT = ("protection", "output", "video", "check")
BATCH = ("batch",)
LIVE = ("protection", *FIND, *TRACK, "live")

app = typer.Typer(
    name="faceveil",
    cls=Verbs,
    help="Obscure every face in photos, videos and documents, on this machine, with no network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # loading rich would take half of the time `faceveil --help` has
    context_settings=HELP,
)
app.add_typer(weights_app, name="weights")

InputPaths = Annotated[
    list[Path],
    typer.Argument(
        metavar="INPUT", help="Files, folders with all below them, zip or tar archives."
    ),
]
Out = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--out",
        help="The file to write, or the folder for several; new/ makes one. Unset: x.veiled.jpg "
        "beside x.jpg.",
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", help="Save what was done: one JSON object a line, one line a file."),
]
ReportPage = Annotated[
    Path | None,
    typer.Option("--report-html", help="Save the same as a page to read and print."),
]
SignKey = Annotated[
    Path | None,
    typer.Option(
        "--sign",
        metavar="KEY",
        rich_help_panel="Evidence",
        help="Sign what was saved with this Ed25519 private key, in a .sig file beside it.",
    ),
]
PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", help="Save where the faces are, to edit and render. One input only."),
]
ManifestFile = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        rich_help_panel="Batch",
        help="Note what is done: one JSON object a line, one line a file.",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        rich_help_panel="Batch",
        help="Pass over what the manifest says is done, unless it changed since. Without "
        "--manifest it is faceveil-done.jsonl, beside the outputs.",
    ),
]
BoxesFile = Annotated[
    Path | None,
    typer.Option(
        "--boxes-from",
        rich_help_panel="Batch",
        help="Paint these boxes instead of looking for faces: COCO .json, .csv, YOLO .txt or a "
        "folder of those.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=show_version,
            help="Print version and detector.",
        ),
    ] = False,
) -> None:
    """Flags that stand before a verb."""


@add_verb(app, groups=(*PAINT, *PEOPLE, *FILES, *FIND, *TRACK, *BATCH))
def veil(
    inputs: InputPaths,
    out: Out = None,
    report: ReportFile = None,
    report_html: ReportPage = None,
    sign: SignKey = None,
    plan: PlanFile = None,
    manifest: ManifestFile = None,
    resume: Resume = False,
    boxes_from: BoxesFile = None,
    *,
    ui: UI,
    options: Options,
) -> ExitCode:
    """Find and obscure every face, then check the result. No input is ever changed."""
    from faceveil.pipeline import analyze_file, veil_file

    sides, target = (report, report_html), None if out is None else Path(out)
    noted = manifest_beside(inputs, target) if resume and manifest is None else manifest
    found = find_inputs(inputs, options, out=target, sides=sides, plan=plan, manifest=noted)
    jobs = found.jobs
    require_photos(options, boxes_from)
    evidence = Evidence(*sides, sign, options, len(jobs))
    if noted is not manifest and noted is not None:
        make_folder(f"{noted.parent}/")
    make_folder(out)
    special = (noted, boxes_from, options.ray_address)
    if any(one is not None for one in special) or is_many(inputs, jobs):
        if plan is not None:
            raise UsageError(say("--plan takes one file, no --manifest, no --boxes-from"))
        return veil_many(
            ui, found, target, options, evidence, noted, resume=resume, boxes=boxes_from
        )
    path = jobs[0].path

    def work(progress: Progress) -> Report:
        faces = None
        if plan is not None or options.parts > 1:
            from faceveil.batch import Processes

            workers = Processes(options.parts)
            faces = analyze_file(path, options, progress=progress, executor=workers)
        if plan is not None and faces is not None:
            save_plan(plan, faces)
        return veil_file(path, target, options, plan=faces, progress=progress)

    return veil_one(ui, path, target, work, evidence, options)


@add_verb(app, groups=(*PEOPLE, *FILES, *FIND, *TRACK))
def detect(
    inputs: InputPaths,
    json: Json = False,
    plan: PlanFile = None,
    *,
    ui: UI,
    options: Options,
) -> ExitCode:
    """Find every face and say where, without writing a picture."""
    from faceveil.cli.json_lines import plan_line
    from faceveil.cli.remarks import found_in

    find = FaceSearch(options)

    def show(name: str, found: Plan) -> None:
        find.add(found)
        if plan is not None:
            save_plan(plan, found)
        for film in found.media.films:
            ui.note(say("{name}: {film} is looked at when it is veiled", name=name, film=film))
        ui.result(plan_line(name, found) if json else found_in(name, found))

    files = find_inputs(inputs, options, plan=plan)
    if plan is not None and is_many(inputs, files.jobs):
        raise UsageError(say("--plan takes one file"))
    require_photos(options)
    return run_each(ui, files, options, find, show)


@add_verb(app, groups=(*PAINT, *FIND))
def render(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="The photo, video or document.")],
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN", help="A plan saved by veil or detect, edited or not.")
    ],
    out: Annotated[str, typer.Option("-o", "--out", help="The file to write, or a folder.")],
    report: ReportFile = None,
    report_html: ReportPage = None,
    sign: SignKey = None,
    foreign_plan: Annotated[
        bool,
        typer.Option(
            "--foreign-plan", help="Take a plan of another file, or of who knows which, and warn."
        ),
    ] = False,
    *,
    ui: UI,
    options: Options,
) -> ExitCode:
    """Obscure what a saved plan says, after a person has looked at it."""
    from faceveil.pipeline import render_file

    if source.is_dir():
        raise UsageError(say("{path} is a folder; a plan is for one file", path=source))
    find_inputs([source], options, sides=(report, report_html))
    evidence = Evidence(report, report_html, sign, options)
    wanted, target = read_plan(plan), Path(out)
    make_folder(out)
    if not (wanted.sha256 or foreign_plan):
        raise UsageError(
            say("the plan does not say for which file it was made"),
            say("make a new plan from this one, or pass --foreign-plan"),
        )
    return veil_one(
        ui,
        source,
        target,
        lambda progress: render_file(
            source, wanted, target, options, foreign=foreign_plan, progress=progress
        ),
        evidence,
        options,
        searched=False,
    )


@add_verb(app)
def export(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="PLAN|REPORT", help="What veil or detect saved.")
    ],
    form: Annotated[Format, typer.Option("--format", help="What to write.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The file to write; for yolo the folder.")
    ],
    *,
    ui: UI,
) -> ExitCode:
    """Turn plans and reports into the boxes of a data set."""
    from faceveil.dataset import read_found

    if any(path.exists() and out.exists() and path.samefile(out) for path in inputs):
        raise UsageError(say("{path} is an input and would be overwritten", path=out))
    found = [one for path in inputs for one in read_found(path)]
    write_dataset(found, form.value, out)
    boxes = sum(len(one.spots) for one in found)
    ui.result(
        say(
            "{out}: {faces} in {inputs}",
            out=out,
            faces=count(boxes, "face"),
            inputs=count(len(found), "input"),
        )
    )
    return ExitCode.OK


@add_verb(app, groups=(*FILES, *FIND))
def check(inputs: InputPaths, json: Json = False, *, ui: UI, options: Options) -> ExitCode:
    """Look for faces and metadata left in finished files. Ends with 5 if any are certain."""
    from faceveil.cli.json_lines import findings_line

    found = 0

    def show(name: str, findings: list[Finding]) -> None:
        nonlocal found
        certain = [finding for finding in findings if finding.certain]
        found += len(certain)
        if json:
            ui.result(findings_line(name, findings))
            return
        for finding in findings:
            ui.result(say("{name}: {what}", name=name, what=finding.words))
        if not findings:
            ui.result(say("{name}: nothing found", name=name))
        elif not certain:
            ui.result(say("{name}: nothing certain; look at these places yourself", name=name))

    files = find_inputs(inputs, options, outputs=True)
    code = run_each(ui, files, options, partial(_look, options), show)
    return ExitCode.WITHHELD if found else code


def _look(options: Options, path: Path, progress: Progress) -> list[Finding]:
    from faceveil.check import check_file

    return check_file(path, options, doubts=True, progress=progress)


@add_verb(app)
def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where to put the samples.")
    ] = Path("demo"),
    *,
    ui: UI,
) -> ExitCode:
    """Make a sample photo and clip and obscure them. Says where before and after lie."""
    from faceveil.cli.demo import run

    samples = run(folder)
    for sample in samples:
        ui.result(f"{sample.before} -> {sample.after}")
        ui.result(
            say(
                "  {covered} of {faces} faces covered, found by {detector}, in {seconds:.1f} s",
                covered=sample.covered,
                faces=sample.faces,
                detector=sample.report.detector,
                seconds=sample.report.seconds,
            )
        )
    all_covered = all(sample.covered == sample.faces for sample in samples)
    return ExitCode.OK if all_covered else ExitCode.SOME_FAILED


add_verb(app, groups=LIVE)(live)
