"""The document is what the routes are, committed, valid, and readable without a network."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from ninja.openapi.schema import OpenAPISchema
from openapi_spec_validator import validate

from changedesk.channels.api import openapi
from changedesk.channels.api.interface import API

COMMITTED = Path(__file__).parents[3] / "openapi.json"


def test_the_committed_document_is_what_the_routes_are() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == openapi.text(), (
        "The API changed. Look at the difference, then run: python -m changedesk.channels.api.document"
    )


def test_the_document_is_valid_openapi_3_1() -> None:
    document = json.loads(openapi.text())
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_a_name_means_one_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """The framework keeps the last of two models of one name, and every answer of the other one breaks its schema."""
    met: dict[str, Any] = {}
    other: set[str] = set()

    def noted(_self: OpenAPISchema, definitions: dict[str, Any]) -> None:
        other.update(name for name, schema in definitions.items() if met.setdefault(name, schema) != schema)

    monkeypatch.setattr(OpenAPISchema, "add_schema_definitions", noted)
    API.get_openapi_schema(path_prefix=openapi.ROOT)
    assert met
    assert not other


def test_every_no_is_a_problem_document() -> None:
    document = openapi.document()
    for response in document["components"]["responses"].values():
        assert list(response["content"]) == ["application/problem+json"]
    for operations in document["paths"].values():
        for operation in operations.values():
            refused = {code: one for code, one in operation["responses"].items() if code >= "400"}
            assert {"401", "403", "404", "422", "429", "500"} <= refused.keys()
            assert all(one["$ref"] == f"#/components/responses/Problem{code}" for code, one in refused.items())


def test_every_post_that_creates_or_decides_wants_an_idempotency_key() -> None:
    without = {
        path.removeprefix("/api/v1")
        for path, operations in openapi.document()["paths"].items()
        for method, operation in operations.items()
        if method == "post" and not any(one["name"] == "Idempotency-Key" for one in operation["parameters"])
    }
    looking = {"/customers/search", "/change-requests/preview", "/erasures/preview", "/policies/{number}/simulate"}
    looking |= {"/audit/search", "/audit/completions"}
    # Evidence and files that are taken out twice, and a value that is revealed twice, are on record twice.
    recorded = {"/evidence", "/evidence/{id}/download", "/reveals", "/audit/exports", "/audit/exports/{id}/download"}
    recorded.add("/subject-requests/{ref}/copy/download")
    assert without == looking | recorded, "all but what changes nothing"


def test_the_document_and_its_page_are_served_and_load_nothing(http: httpx.Client) -> None:
    assert http.get("/api/v1/openapi.json").text == openapi.text()
    page = http.get("/api/v1/")
    assert page.status_code == 200
    assert "/api/v1/change-requests/{ref}/approve" in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<script" not in page.text
