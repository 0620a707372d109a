"""Whoever calls the API does not see the sliders: every endpoint of the running app, given what no page would send.

The endpoints come from the app's own configuration, so that a new one cannot be forgotten. Each answer must be a valid
result or an error with a sentence, in time, from a server that still lives.
"""

import http.client
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.ui.conftest import ServedApp

pytestmark = pytest.mark.timeout(300)

SLOW_SECONDS = 2.0
SLACK_SECONDS = 4.0  # for a machine that is busy with other things
SENTENCE = re.compile(r"^[A-Z“].{10,400}[.!]$", re.S)
LEAK = re.compile(r"Traceback|File \"|Error\(|<class |0x[0-9a-f]{8}|NoneType|/site-packages/")


class Raw(str):
    """A piece of JSON as it stands, for numbers that Python's writer would change."""


SCALARS: list[Any] = [
    *(Raw(text) for text in ("NaN", "Infinity", "-Infinity", "1e308", "1e-320", "-0.0", "1" + "0" * 400)),
    *(-1, 0, 3.7, 2**31, 2**53 + 1, 2**63, True, False, None),
    *("", " ", "5", "NaN", "0x10", "1e3", "five", "٣", "1,5", [], {}),
]
STRINGS: list[Any] = [
    "x" * 10_000,
    "a\x00b\nc",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "![](http://example.com/x.png)",
    "=1+1",
    "{{7*7}}{0.__class__}",
    "../../etc/passwd",
    "/etc/passwd",
    "\"'`",
    "\u202eabc",
    Raw('"\\ud800"'),
    "e" + "\u0301" * 200,
]
DEEP = Raw("[" * 1000 + "]" * 1000)
STRUCTURES: list[Any] = [
    ["a", "b"],
    [[1, [2]]],
    {"ink": 3, "seq": "x"},
    {"ink": "bm90IGEgcG5n", "seq": 1},
    {"example": "no such", "values": []},
    {"__type__": "update", "value": 1},
    {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
    Raw('{"ink": "", "ink": 5}'),
    DEEP,
]
CASES = [*SCALARS, *STRINGS, *STRUCTURES]


@dataclass(frozen=True)
class Endpoint:
    """One of the app's endpoints: its index, name and how many arguments it takes."""

    index: int
    name: str
    arguments: int
    is_queued: bool


def encode(value: Any) -> str:
    """JSON, with `Raw` pieces and lone surrogates left as they are."""
    if isinstance(value, Raw):
        return str.__str__(value)
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{encode(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def _parsed(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return {"error": None, "instead of JSON": ascii(answer[:200])}


class Caller:
    """Posts to the app like any program could, one connection for all."""

    def __init__(self, address: str) -> None:
        self.host = urlsplit(address).netloc
        self.calls = 0
        self.connection = http.client.HTTPConnection(self.host, timeout=30)

    def send(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> tuple[int, bytes]:
        self.connection.request(method, path, body, {"Content-Type": kind})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 400:  # after some of which the server hangs up
            self.connection.close()
        return answer.status, text

    def config(self) -> dict[str, Any]:
        return dict(json.loads(self.send("GET", "/config")[1]))

    def call(self, endpoint: Endpoint, data: list[Any]) -> tuple[int, Any]:
        """The answer of an endpoint, queued or not, as (status, JSON); each queued call is a session of its own."""
        self.calls += endpoint.is_queued
        session = f"hostile-{self.calls}"
        trigger = (
            f'"fn_index":{endpoint.index},"session_hash":{json.dumps(session)},"trigger_id":null,"event_data":null'
        )
        body = f'{{"data":{encode(data)},{trigger}}}'.encode("utf-8", "surrogatepass")
        if not endpoint.is_queued:
            status, answer = self.send("POST", "/gradio_api/run/predict", body)
            return status, _parsed(answer)
        status, answer = self.send("POST", "/gradio_api/queue/join", body)
        if status != 200:
            return status, _parsed(answer)
        return 200, self._answer_of_queue(session)

    def _answer_of_queue(self, session: str) -> Any:
        """What a queued call came to first; leaving ends it, as a closed tab does."""
        stream = http.client.HTTPConnection(self.host, timeout=30)
        stream.request("GET", f"/gradio_api/queue/data?session_hash={session}")
        answer = stream.getresponse()
        try:
            for line in answer:
                if not line.startswith(b"data:"):
                    continue
                message = json.loads(line[5:])
                if message["msg"] in ("process_generating", "process_completed", "unexpected_error"):
                    return message.get("output", message)
        finally:
            stream.close()
        return {"error": None}


@pytest.fixture(scope="module")
def caller(app: ServedApp) -> Iterator[Caller]:
    caller = Caller(app.address)
    yield caller
    caller.connection.close()


@pytest.fixture(scope="module")
def endpoints(caller: Caller) -> list[Endpoint]:
    return [
        Endpoint(each["id"], str(each["api_name"]), len(each["inputs"]), each["queue"] is not False)
        for each in caller.config()["dependencies"]
        if each["backend_fn"]
    ]


def defaults(caller: Caller) -> dict[int, list[Any]]:
    """For each endpoint what the page itself would send: the components' own values."""
    config = caller.config()
    values = {each["id"]: each["props"].get("value") for each in config["components"]}
    return {each["id"]: [values.get(number) for number in each["inputs"]] for each in config["dependencies"]}


def complaint(status: int, answer: Any, seconds: float) -> str:
    """What is wrong with an answer; empty where nothing is."""
    if seconds > SLOW_SECONDS + SLACK_SECONDS:
        return f"took {seconds:.1f} s"
    text = json.dumps(answer)
    if leak := LEAK.search(text if status != 200 or "error" in answer else ""):
        return f"shows its inside: {leak.group()} in {text[:200]}"
    if status == 200 and isinstance(answer, dict) and "data" in answer:
        return ""
    if status in (400, 422):  # the body is not a call at all: the framework's own answer
        return ""
    error = answer.get("error", answer.get("detail")) if isinstance(answer, dict) else None
    if not isinstance(error, str) or not SENTENCE.match(error):
        return f"{status} without a sentence: {text[:200]}"
    return ""


def cases_for(endpoint: Endpoint, sent: list[Any]) -> Iterator[list[Any]]:
    """A share of the cases, each in one of the places in turn, so that all endpoints together get all of them often."""
    share = 12 if endpoint.is_queued else 6
    for number, case in enumerate(CASES[endpoint.index % share :: share], start=endpoint.index):
        place = number % len(sent)
        yield [*sent[:place], case, *sent[place + 1 :]]
    yield from ([case] * len(sent) for case in ("five", [], DEEP))
    yield from ([], [*sent, *sent], sent[::-1])


def test_every_endpoint_answers_hostile_values_with_a_result_or_a_sentence(
    caller: Caller, endpoints: list[Endpoint]
) -> None:
    assert len(endpoints) > 8, "the listing holds the app's endpoints"
    good = defaults(caller)
    found: list[str] = []
    for endpoint in endpoints:
        if not endpoint.arguments:
            continue
        for data in cases_for(endpoint, good[endpoint.index]):
            started = time.monotonic()
            status, answer = caller.call(endpoint, data)
            wrong = complaint(status, answer, time.monotonic() - started)
            if wrong:
                found.append(f"{endpoint.name} of {encode(data)[:120]}: {wrong}")
    assert not found, f"{len(found)} answers:\n" + "\n".join(found[:40])
    assert caller.send("GET", "/")[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"[]",
        b"null",
        b'{"data": 5}',
        b'{"data": []}',
        b'{"data": [], "fn_index": 99999}',
        b'{"data": [], "fn_index": -1}',
        b'{"data": [], "fn_index": "train"}',
        b'{"data": [], "fn_index": 2, "session_hash": ["x"]}',
        b'{"data": ["' + b"x" * 1_000_000 + b'"], "fn_index": 1}',
        b'{"data": [' + b"0," * 300_000 + b'0], "fn_index": 1}',
        b"[" * 100_000,
        b"\xff\xfe\x00",
    ],
    ids=lambda body: ascii(body[:24]),
)
@pytest.mark.parametrize("path", ["/gradio_api/run/predict", "/gradio_api/queue/join", "/gradio_api/api/no_such"])
def test_bodies_that_are_no_calls_are_refused(caller: Caller, path: str, body: bytes) -> None:
    started = time.monotonic()
    status, answer = caller.send("POST", path, body)
    assert time.monotonic() - started < SLOW_SECONDS + SLACK_SECONDS
    assert status in range(400, 501), f"{status}: {answer[:200]!r}"
    assert b"Traceback" not in answer
    assert b"/site-packages/" not in answer
    assert status in (400, 404, 405, 422) or SENTENCE.match(str(_parsed(answer).get("error"))), answer[:200]
    assert caller.send("GET", "/config")[0] == 200


@pytest.mark.parametrize("path", ["/gradio_api/run/predict", "/gradio_api/queue/join", "/gradio_api/upload"])
def test_a_body_of_50_mb_is_refused_before_it_is_read(caller: Caller, path: str) -> None:
    started = time.monotonic()
    status, answer = caller.send("POST", path, b'{"data": ["' + b"x" * 50_000_000 + b'"], "fn_index": 1}')
    assert time.monotonic() - started < SLOW_SECONDS + SLACK_SECONDS
    assert (status, answer) == (413, b"Content Too Large")
    assert caller.send("GET", "/config")[0] == 200


def test_of_invented_sessions_only_the_last_are_kept(
    caller: Caller, app: ServedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = app.server.state_holder
    assert holder.capacity <= 300
    monkeypatch.setattr(holder, "capacity", 20)
    for number in range(40):
        body = {"data": [], "fn_index": 0, "session_hash": f"invented-{number}"}
        caller.send("POST", "/gradio_api/run/predict", json.dumps(body).encode())
    assert caller.send("GET", "/config")[0] == 200
    assert "invented-39" in holder.session_data
    assert len(holder.session_data) <= 20
