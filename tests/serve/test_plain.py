"""``python -m serve --plain``: started, asked as the documentation asks, ended by a signal."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "http.md"
# The tiny model's names; four assets; and a baseline that needs no fitting
NAMES = {
    "demo": "tiny", "AAPL": "ABLE", "KO": "BAKER", "100000": "1000", "0.2": "0.5",
    "fhs-gjr": "historical",
}  # fmt: skip
PATIENCE = 60.0  # seconds that anything may take


class Service:
    """The service in a process of its own, on a port that was free.

    Args:
        store: Model store.
        arguments: More of the command.
        cwd: Working directory.
    """

    def __init__(self, store, *arguments, cwd=ROOT):
        command = [sys.executable, "-m", "serve", "--plain", "--store", str(store), "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *arguments],
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        lines = iter(self.process.stderr.readline, "")
        said = next(line for line in lines if line.startswith("fingan serves"))
        self.url = said.split()[-1]

    def end(self, by=signal.SIGTERM):
        self.process.send_signal(by)
        return self.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def service(store, tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    settings = [f'state="{state}"', f"limits.answer_seconds={PATIENCE}"]  # nothing is late here
    service = Service(store, *(word for one in settings for word in ("--set", one)))
    yield service
    service.process.kill()
    service.process.wait()
    service.process.stderr.close()


def curl_lines():
    """Every curl line of the documentation."""
    joined = PAGE.read_text().replace("\\\n", " ")
    return re.findall(r"^    (curl .*)$", joined, re.MULTILINE)


def asked(line, url):
    """A curl line as a request: of the tiny model, whose assets have other names."""
    for name, other in NAMES.items():
        line = re.sub(rf"\b{name}\b", other, line)
    words = shlex.split(re.sub(r'\$\([^"]*\)', "0001", line))[1:]
    headers, body, place = {}, None, ""
    while words:
        match words.pop(0):
            case "-H":
                name, value = words.pop(0).split(": ", 1)
                headers[name] = value
            case "-d":
                body = words.pop(0)
            case "-o":
                words.pop(0)
            case "-s":
                pass
            case word:
                place = url + word.removeprefix("127.0.0.1:8000")
    return httpx.Request("GET" if body is None else "POST", place, headers=headers, content=body)


# What the tiny model cannot answer: it was trained on assets of no market
ABROAD = ("sp500-20", "/v1/anomalies", "/v1/stress/reverse")


@pytest.mark.parametrize(
    "line", [line for line in curl_lines() if not any(word in line for word in ABROAD)]
)
def test_the_curl_lines_of_the_documentation_work(service, line):
    with httpx.Client(timeout=PATIENCE) as client:
        answer = client.send(asked(line, service.url))
    assert answer.is_success, (line, answer.text[:300])


def test_there_are_curl_lines_for_each_endpoint():
    lines = "\n".join(curl_lines())
    for path in ("models", "scenarios", "risk", "stress", "screens", "optimize", "jobs", "explain"):
        assert f"/v1/{path}" in lines


def test_a_signal_ends_the_service_once_everybody_is_answered(service):
    question = {"model": "tiny", "horizon": 100, "n_paths": 20_000, "layout": "tensor"}
    headers = {"Accept": "application/vnd.apache.arrow.stream"}
    with (
        httpx.Client(timeout=PATIENCE) as client,
        client.stream(
            "POST", f"{service.url}/v1/scenarios", json=question, headers=headers
        ) as cube,
    ):
        chunks = cube.iter_raw()
        n_bytes = len(next(chunks))
        service.process.send_signal(signal.SIGTERM)
        n_bytes += sum(map(len, chunks))
    assert n_bytes > 20_000 * 100 * 4 * 4
    assert service.process.wait(PATIENCE) == 0


def test_jobs_find_what_was_named_from_another_directory(store, garch_prices, tmp_path):
    garch_prices.to_csv(tmp_path / "desk.csv")
    (tmp_path / "models").symlink_to(store)
    settings = ["--set", "prices.desk=desk.csv", "--set", "state=state"]
    service = Service("models", *settings, cwd=tmp_path)
    request = {"model": "tiny", "prices": "desk", "n_paths": 100, "horizon": 2}
    try:
        with httpx.Client(base_url=service.url, timeout=PATIENCE) as client:
            asked = {"kind": "scenarios", "request": request}
            place = client.post("/v1/jobs", json=asked).headers["location"]
            end = time.monotonic() + PATIENCE
            while (job := client.get(place).json())["ended"] is None:
                assert time.monotonic() < end
                time.sleep(0.1)
    finally:
        assert service.end() == 0
        service.process.stderr.close()
    assert job["state"] == "succeeded", job["problem"]


def test_settings_that_make_no_sense_end_it_in_one_sentence(tmp_path):
    command = [sys.executable, "-m", "serve", "--plain", "--store", str(tmp_path)]
    done = subprocess.run(
        [*command, "--set", "limits.max_path=3"], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "max_path" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_address_in_use_is_said_and_not_waited_for(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "serve", "--plain", "--store", str(tmp_path)]
        done = subprocess.run(
            [*command, "--port", port], capture_output=True, text=True, timeout=PATIENCE
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: the address must be free and this machine's, but")
    assert f"port {port} is not: Address already in use" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "store"),
    [
        ([], "/env/store"),
        (["--set", "store=/set/store"], "/set/store"),
        (["--store", "/own/store"], "/own/store"),
    ],
)
def test_the_store_is_the_named_one_else_the_environments(monkeypatch, arguments, store):
    from serve.__main__ import _parser, _settings

    monkeypatch.setenv("FINGAN_STORE", "/env/store")
    assert _settings(_parser().parse_args(arguments)).store == store
