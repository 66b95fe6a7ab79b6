"""Every answer is as the OpenAPI document says, whatever is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import cv2
import httpx2 as httpx
import pytest
from hypothesis import HealthCheck, given, settings

from servers import Server, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("openapi") / "jobs") as server:
        yield server


@pytest.fixture(scope="module")
def document(server: Server) -> Any:
    # Imported here, because it takes a second, and this module is read by each of the processes.
    import schemathesis

    address = f"http://127.0.0.1:{server.port}/openapi.json"
    # The stream of all events has no end to compare.
    document = schemathesis.openapi.from_url(address, headers=_authorization(server))
    return document.exclude(path="/api/events")


@pytest.fixture(scope="module")
def known(server: Server) -> str:
    """A job that is there, and stays, whatever came of it."""
    import numpy as np

    picture = cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    (job,) = server.upload({"black.png": picture})["jobs"]
    server.wait(job["id"])
    return str(job["id"])


def _authorization(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token}"}


@pytest.mark.long
def test_answers(document: Any, known: str, server: Server) -> None:
    from schemathesis import checks

    wanted = [
        checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    asked = 0

    def ask(case: Any) -> None:
        nonlocal asked
        asked += 1
        job = (case.path_parameters or {}).get("job")
        # Half of the questions are about a job that is there.
        if isinstance(job, str) and sum(map(ord, job)) % 2 and case.method != "DELETE":
            case.path_parameters["job"] = known
        case.call_and_validate(checks=wanted, timeout=30, headers=_authorization(server))

    for operation in document.get_all_operations():
        ask_all = given(case=operation.ok().as_strategy())(ask)
        settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))(ask_all)()
    assert asked > 100


def test_the_document(server: Server) -> None:
    document = server.api.get("/openapi.json").json()
    assert document["info"]["title"] == "FaceVeil"
    examples = [
        field
        for model in document["components"]["schemas"].values()
        for field in model.get("properties", {}).values()
        if "examples" in field
    ]
    assert len(examples) > 10
    assert document["components"]["securitySchemes"]["token"] == {
        "type": "http",
        "scheme": "bearer",
    }
    assert document["security"][0] == {"token": []}
    assert document["paths"]["/healthz"]["get"]["security"] == []
    names = [one["operationId"] for each in document["paths"].values() for one in each.values()]
    assert len(set(names)) == len(names) > 20
    assert all(re.fullmatch("[a-z_]+", name) for name in names)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], f"{method} {path}"
            problem = operation["responses"]["default"]["content"]
            assert problem.keys() == {"application/problem+json"}


def test_a_page_to_read(server: Server) -> None:
    """Its own, which loads nothing."""
    answer = server.api.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; base-uri")
    for path in server.api.get("/openapi.json").json()["paths"]:
        assert path in answer.text
    assert re.findall(r'(?:src|href)="([^"]*)"', answer.text) == ["data:,", "/openapi.json"]
    with httpx.Client(base_url=server.api.base_url) as stranger:
        assert stranger.get("/docs").status_code == 401


def test_heads(server: Server, known: str) -> None:
    """HEAD gives the headers of GET and no body; for the stream of events, too."""
    at = f"/api/jobs/{known}"
    for path in ("/", "/healthz", "/api/jobs", "/api/events", "/static/app.css", f"{at}/result"):
        answer = server.api.head(path, timeout=5)
        assert (answer.status_code, answer.content) == (200, b""), path
    length = server.api.head(f"{at}/result").headers["content-length"]
    assert int(length) == len(server.api.get(f"{at}/result").content)
    assert server.api.head("/api/jobs/aaaaaaaaaaaaaaaaaaaa").status_code == 404
    assert server.api.head("/api/veil").status_code == 405


def test_parts_of_a_result(server: Server, known: str) -> None:
    at = f"/api/jobs/{known}/result"
    whole = server.api.get(at)
    assert whole.headers["accept-ranges"] == "bytes"
    part = server.api.get(at, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    last = server.api.get(at, headers={"range": "bytes=-5"})
    assert last.content == whole.content[-5:]
    beyond = server.api.get(at, headers={"range": f"bytes={len(whole.content)}-"})
    assert beyond.status_code == 416
    changed = {"range": "bytes=0-3", "if-range": '"of another file"'}
    assert server.api.get(at, headers=changed).content == whole.content
