"""The schema that is checked in is the one that is served, and it is true."""

import io
import json
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from jsonschema import Draft202012Validator

KEPT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.yaml"


@pytest.fixture(scope="module")
def schema():
    out = io.StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    return out.getvalue()


def test_the_schema_in_the_docs_is_this_one(schema):
    made_by = "python manage.py spectacular --file docs/reference/openapi.yaml"
    assert KEPT.read_text() == schema, f"The API changed. Look at the difference, then: {made_by}"


def test_every_call_is_named_and_its_problems_are_described(schema):
    calls = [call for path in yaml.safe_load(schema)["paths"].values() for call in path.values()]
    names = [call["operationId"] for call in calls]
    assert len(set(names)) == len(names)
    assert all("_" not in name for name in names)
    for call in calls:
        for status, answer in call["responses"].items():
            assert status < "400" or "application/problem+json" in answer["content"], (call["operationId"], status)
        assert call["operationId"] == "schema" or "401" in call["responses"], call["operationId"]


def test_anybody_may_read_it(calling, schema):
    answer = calling().get("/api/v1/schema")
    assert answer.status_code == 200
    assert json.loads(answer.content) == yaml.safe_load(schema)


def matches(schema, answer, method, path):
    """The answer is what the schema says of that call."""
    whole = yaml.safe_load(schema)
    told = whole["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    kind = answer.headers["Content-Type"]
    validator = Draft202012Validator({**told[kind]["schema"], "components": whole["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(answer.json())]


def test_answers_are_as_described(schema, calling, nurse, anna, flare):
    calls, own = calling(nurse), calling(anna)
    v1 = "/api/v1"
    claimed = calls.post(f"{v1}/callbacks/claim")
    asked = [
        (claimed, "post", f"{v1}/callbacks/claim"),
        (own.post(f"{v1}/contacts", {"reason": "flare", "message": "More"}), "post", f"{v1}/contacts"),
        (own.post(f"{v1}/contacts", {"reason": "bored"}), "post", f"{v1}/contacts"),
        (own.get(f"{v1}/contacts/{flare.id}"), "get", f"{v1}/contacts/{{contact_id}}"),
        (own.get(f"{v1}/me/cases"), "get", f"{v1}/me/cases"),
        (calls.get(f"{v1}/contacts"), "get", f"{v1}/contacts"),
        (calls.get(f"{v1}/callbacks"), "get", f"{v1}/callbacks"),
        (calls.get(f"{v1}/slots"), "get", f"{v1}/slots"),
        (calls.post(f"{v1}/appointments", {"case": str(flare.case_id)}), "post", f"{v1}/appointments"),
        (calls.get(f"{v1}/appointments"), "get", f"{v1}/appointments"),
        (calls.get(f"{v1}/messages"), "get", f"{v1}/messages"),
        (calls.get(f"{v1}/worklists"), "get", f"{v1}/worklists"),
        (
            calls.post(f"{v1}/callbacks/{claimed.json()['id']}/outcome", {"outcome": "all_well"}),
            "post",
            f"{v1}/callbacks/{{callback_id}}/outcome",
        ),
    ]
    for answer, method, path in asked:
        assert matches(schema, answer, method, path) == [], path
