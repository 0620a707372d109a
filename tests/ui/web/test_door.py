"""Whoever calls the API does not see the sliders: every endpoint of the running app, given what no page would send.

The endpoints come from the app's own configuration, so that a new one cannot be forgotten. Each answer must be a valid
result or an error with a sentence, in time, from a server that still lives.
"""

import http.client
import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mnist_demo.ui.web import door, parking
from mnist_demo.ui.web.door import NO_FILE
from mnist_demo.ui.web.sessions import OpenPages
from tests.ui.conftest import ServedApp
from tests.ui.test_app import wait_until

pytestmark = pytest.mark.timeout(300)

SLOW_SECONDS = 2.0
SLACK_SECONDS = 4.0  # for a machine that is busy with other things
SENTENCE = re.compile(r"^[A-Z“].{10,400}[.!]$", re.S)
LEAK = re.compile(r"Traceback \(|/site-packages/")
LEAK_OF_ERROR = re.compile(r"Traceback|File \"|Error\(|<class |0x[0-9a-f]{8}|NoneType|/site-packages/")
SAMPLE = 260  # calls in the default run
CATALOGUE = 5_000


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
    {"ink": None, "seq": 1},
    {"ink": "bm90IGEgcG5n", "seq": 1},
    {"ink": "bm90IGEgcG5n", "seq": None},
    {"example": "no such", "values": []},
    {"__type__": "update", "value": 1},
    {"path": "no meta"},
    {"headers": 1, "data": [[None]], "metadata": None},
    Raw('{"ink": "", "ink": 5}'),
    DEEP,
]


def file_data(path: Any, **more: Any) -> dict[str, Any]:
    """What a component sends for a file."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


def files_of_others(address: str) -> list[Any]:
    """Files and addresses that no caller may name, `address` among them."""
    return [
        file_data(address),
        file_data("x", url=address),
        {"path": None, "url": address, "meta": {"_type": "gradio.FileData"}},
        {"url": address},
        [{"deep": file_data(address.replace("http", "HTTP"))}],
        *(file_data(path) for path in ("/dev/zero", "/proc/self/environ", "/", "file:///etc/passwd", "/etc/passwd")),
        file_data("../../../etc/passwd"),
        file_data("a\x00b"),
        file_data("x" * 10_000),
        Raw('{"\\u0070ath": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}'),
    ]


CASES = [*SCALARS, *STRINGS, *STRUCTURES, *files_of_others("http://127.0.0.1:9/nowhere")]


@dataclass(frozen=True)
class Endpoint:
    """One of the app's endpoints: its index, name, how many arguments it takes and how many results it gives."""

    index: int
    name: str
    arguments: int
    results: int
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
        Endpoint(
            each["id"], str(each["api_name"]), len(each["inputs"]), len(each["outputs"]), each["queue"] is not False
        )
        for each in caller.config()["dependencies"]
        if each["backend_fn"]
    ]


def defaults(caller: Caller) -> dict[int, list[Any]]:
    """For each endpoint what the page itself would send: the components' own values."""
    config = caller.config()
    values = {each["id"]: each["props"].get("value") for each in config["components"]}
    return {each["id"]: [values.get(number) for number in each["inputs"]] for each in config["dependencies"]}


def complaint(endpoint: Endpoint, status: int, answer: Any, seconds: float) -> str:
    """What is wrong with an answer; empty where nothing is: a result of the endpoint's, or 4xx and a sentence."""
    text = json.dumps(answer)
    error = answer.get("error", answer.get("detail")) if isinstance(answer, dict) else None
    if seconds > SLOW_SECONDS + SLACK_SECONDS:
        return f"took {seconds:.1f} s"
    if leak := (LEAK if error is None else LEAK_OF_ERROR).search(text):
        return f"shows its inside: {leak.group()} in {text[:200]}"
    if status == 200 and error is None:
        data = answer.get("data") if isinstance(answer, dict) else None
        return "" if isinstance(data, list) and len(data) == endpoint.results else f"200 and no result: {text[:200]}"
    if not isinstance(error, str) or not SENTENCE.match(error):
        return f"{status} without a sentence: {text[:200]}"
    is_told = status in range(400, 500) or (status == 200 and endpoint.is_queued)  # a stream begins before it fails
    return "" if is_told else f"{status}: {error}"


def calls_of(endpoint: Endpoint, sent: list[Any]) -> Iterator[list[Any]]:
    """Every hostile call of one endpoint: each case in each place, everywhere, too few, too many, out of order."""
    yield from ([], [*sent, *sent], sent[::-1])
    for number, case in enumerate(CASES, start=endpoint.index):
        for place in (number + step for step in range(len(sent))):
            yield [*sent[: place % len(sent)], case, *sent[place % len(sent) + 1 :]]
        yield [case] * len(sent)


def catalogue(endpoints: list[Endpoint], good: dict[int, list[Any]], most: int) -> list[tuple[Endpoint, list[Any]]]:
    """At most so many calls, of every endpoint that takes arguments about as many, of all kinds of cases."""
    everything = [
        [(endpoint, call) for call in calls_of(endpoint, good[endpoint.index])]
        for endpoint in endpoints
        if endpoint.arguments
    ]
    share = max(1, most // len(everything))
    chosen = []
    for calls in everything:
        stride = max(1, len(calls) // share)
        chosen += calls[calls[0][0].index % stride :: stride][:share]
    return chosen


def answer_them_all(caller: Caller, endpoints: list[Endpoint], most: int) -> None:
    found: list[str] = []
    for endpoint, data in catalogue(endpoints, defaults(caller), most):
        for _ in range(2):  # a busy machine is not slow twice
            started = time.monotonic()
            status, answer = caller.call(endpoint, data)
            seconds = time.monotonic() - started
            if seconds < SLOW_SECONDS + SLACK_SECONDS:
                break
        if wrong := complaint(endpoint, status, answer, seconds):
            found.append(f"{endpoint.name} of {encode(data)[:120]}: {wrong}")
    assert not found, f"{len(found)} answers:\n" + "\n".join(found[:60])
    assert caller.send("GET", "/")[0] == 200


def test_every_endpoint_answers_hostile_values_with_a_result_or_a_sentence(
    caller: Caller, endpoints: list[Endpoint]
) -> None:
    assert len(endpoints) > 8, "the listing holds the app's endpoints"
    answer_them_all(caller, endpoints, SAMPLE)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_whole_catalogue(caller: Caller, endpoints: list[Endpoint]) -> None:
    answer_them_all(caller, endpoints, CATALOGUE)


@pytest.fixture
def stranger() -> Iterator[tuple[str, list[str]]]:
    """A server of somebody else's: its address, and what it was asked for."""
    asked: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/film.mp4", asked
        server.shutdown()
        thread.join()


def test_no_value_makes_the_server_fetch_an_address_or_open_a_file(
    caller: Caller, endpoints: list[Endpoint], stranger: tuple[str, list[str]]
) -> None:
    address, asked = stranger
    good = defaults(caller)
    values = files_of_others(address)
    for number, endpoint in enumerate(each for each in endpoints if each.arguments):
        value = values[number % len(values)]
        place = number % endpoint.arguments
        sent = good[endpoint.index]
        status, answer = caller.call(endpoint, [*sent[:place], value, *sent[place + 1 :]])
        assert (status, answer) == (422, {"error": NO_FILE}), f"{endpoint.name} of {encode(value)[:200]}"
    for value in values:
        body = f'{{"data": [{encode(value)}]}}'.encode()
        assert caller.send("POST", "/gradio_api/call/predict", body)[0] == 422
        assert caller.send("POST", "/gradio_api/run/predict", body)[0] == 422
    assert caller.send("GET", f"/gradio_api/file={address}")[0] == 404
    assert caller.send("GET", f"/gradio_api/proxy={address}")[0] == 404
    assert asked == []


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
    assert status in (404, 422), f"{status}: {answer[:200]!r}"
    assert SENTENCE.match(str(_parsed(answer).get("error"))), answer[:200]
    assert caller.send("GET", "/config")[0] == 200


@pytest.mark.parametrize("path", ["/gradio_api/run/predict", "/gradio_api/queue/join", "/gradio_api/upload"])
def test_a_body_of_50_mb_is_refused_before_it_is_read(caller: Caller, path: str) -> None:
    started = time.monotonic()
    status, answer = caller.send("POST", path, b'{"data": ["' + b"x" * 50_000_000 + b'"], "fn_index": 1}')
    assert time.monotonic() - started < SLOW_SECONDS + SLACK_SECONDS
    assert status == 413
    assert SENTENCE.match(_parsed(answer)["error"])
    assert caller.send("GET", "/config")[0] == 200


def pages_of(app: ServedApp) -> OpenPages:
    """The sessions whose pages are open."""
    pages: OpenPages = app.server.state_holder._pages
    return pages


def test_invented_sessions_empty_nobodys_page(caller: Caller, app: ServedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page keeps a heartbeat open; what it has at the server outlives any number of sessions without one."""
    states, messages = app.server.state_holder, app.server.get_blocks()._queue.pending_messages_per_session
    assert states.capacity <= 300
    states.session_data.clear()  # of the tests before
    messages.clear()
    monkeypatch.setattr(states, "capacity", 5)
    monkeypatch.setattr(messages, "max_size", 5)

    def call(session: str) -> None:
        body = {"data": [], "fn_index": 0, "session_hash": session}
        caller.send("POST", "/gradio_api/run/predict", json.dumps(body).encode())
        assert caller.send("POST", "/gradio_api/queue/join", json.dumps(body).encode())[0] == 200

    heartbeat = http.client.HTTPConnection(caller.host, timeout=30)
    heartbeat.request("GET", "/gradio_api/heartbeat/a-page")
    stream = heartbeat.getresponse()
    assert stream.readline() == b"data: ALIVE\n"
    call("a-page")
    for number in range(15):
        call(f"invented-{number}")
    assert caller.send("GET", "/config")[0] == 200
    for kept in (states.session_data, messages):
        assert {"a-page", "invented-14"} <= set(kept)
        assert len(kept) <= 7
    stream.close()
    heartbeat.close()
    wait_until(lambda: "a-page" not in pages_of(app), "the page to be closed")
    for number in range(25):
        call(f"later-{number}")
    assert "a-page" not in states.session_data


def multipart(content: bytes, name: str = "a.pth") -> tuple[bytes, str]:
    """The body and content type of an upload of one file."""
    head = f'--edge\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--edge--\r\n", "multipart/form-data; boundary=edge"


def test_uploads_have_a_share_and_are_swept_when_room_is_needed(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "MAX_BYTES_OF_ONE", 300_000)

    def upload(letter: bytes) -> tuple[int, Any]:
        status, answer = caller.send("POST", "/gradio_api/upload", *multipart(letter * 100_000))
        return status, _parsed(answer)

    taken = [upload(letter) for letter in (b"a", b"b")]
    assert [status for status, _ in taken] == [200, 200]
    assert upload(b"c") == (429, {"error": parking.FULL})
    monkeypatch.setattr(parking, "READ_AFTER_SECONDS", 0.0)
    assert upload(b"c")[0] == 200
    assert not any(Path(path).exists() for _, paths in taken for path in paths)


def test_a_body_that_does_not_arrive_is_told_so(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(door, "UPLOAD_SECONDS", 0.2)
    for path in ("run/predict", "upload"):
        connection = http.client.HTTPConnection(caller.host, timeout=30)
        connection.putrequest("POST", f"/gradio_api/{path}")
        connection.putheader("Content-Length", "1000")
        body, kind = multipart(b"x" * 500)
        connection.putheader("Content-Type", kind)
        connection.endheaders(body[:400])
        answer = connection.getresponse()
        assert answer.status == 408
        assert "did not arrive within 0.2 seconds" in json.loads(answer.read())["error"]
        connection.close()


def test_the_stream_of_an_upload_that_never_ends_does(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "UPLOAD_SECONDS", 1.0)
    upload = http.client.HTTPConnection(caller.host, timeout=30)
    upload.putrequest("POST", "/gradio_api/upload?upload_id=endless")
    body, kind = multipart(b"x" * 1000)
    upload.putheader("Content-Type", kind)
    upload.putheader("Content-Length", str(len(body)))
    upload.endheaders(body[:500])
    started = time.monotonic()
    assert caller.send("GET", "/gradio_api/upload_progress?upload_id=endless")[0] == 200
    assert time.monotonic() - started < 1 + SLOW_SECONDS + SLACK_SECONDS
    upload.close()


@pytest.mark.parametrize("path", ["dev/reload", "process_recording", "vibe-edit", "component_server", "stream/x/close"])
def test_parts_of_gradio_that_the_app_has_no_use_for_are_closed(caller: Caller, path: str) -> None:
    for method in ("GET", "POST"):
        status, answer = caller.send(method, f"/gradio_api/{path}")
        assert (status, _parsed(answer)) == (404, {"error": "There is nothing at this address."})
