"""The Dockerfile, read without a container engine: what it copies, installs and starts."""

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CODE = ("fingan", "ray_jobs", "serve")


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """Each instruction with what follows it."""
    text = (DEPLOY / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    return [(word.upper(), rest.strip()) for word, rest in lines]


def told(steps, instruction) -> list[str]:
    return [rest for word, rest in steps if word == instruction]


def sources(steps) -> list[str]:
    return [source for rest in told(steps, "COPY") for source in shlex.split(rest)[:-1]]


def environment(steps) -> dict[str, str]:
    pairs = [pair for rest in told(steps, "ENV") for pair in shlex.split(rest)]
    return dict(pair.split("=", 1) for pair in pairs)


def locked() -> dict[str, Version]:
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [Requirement(line) for line in lock if line and not line.startswith("#")]
    return {
        canonicalize_name(pin.name): Version(str(pin.specifier).removeprefix("==")) for pin in pins
    }


def copied(steps, target: Path) -> Path:
    """What the image's working directory would hold."""
    for rest in told(steps, "COPY"):
        *patterns, place = shlex.split(rest)
        for path in [found for pattern in patterns for found in ROOT.glob(pattern)]:
            if path.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "node_modules")
                shutil.copytree(path, target / place, ignore=ignored)
            else:
                (target / place).mkdir(exist_ok=True)
                shutil.copy(path, target / place / path.name)
    return target


def test_every_copied_source_stands_in_the_checkout(steps):
    for pattern in sources(steps):
        assert list(ROOT.glob(pattern)), pattern


def test_the_context_lets_every_copied_source_through(steps):
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    for source in sources(steps):
        assert any(fnmatch.fnmatch(source, pattern) for pattern in kept), source
    for pattern in kept:
        assert pattern in sources(steps), pattern


def test_python_is_one_that_fingan_runs_on(steps):
    (base,) = told(steps, "FROM")
    (version,) = re.findall(r"^python:(\d+\.\d+)-slim", base)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert SpecifierSet(project["requires-python"]).contains(version)


def test_the_lock_pins_what_the_image_installs():
    command = [sys.executable, str(DEPLOY / "requirements.py"), str(ROOT / "pyproject.toml")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wanted = [Requirement(line) for line in printed.splitlines()]
    pins = locked()
    assert {"ray", "torch", "fastapi"} <= {one.name for one in wanted}
    for one in wanted:
        assert one.specifier.contains(pins[canonicalize_name(one.name)]), one


def test_what_a_cloud_adds_disagrees_with_the_lock_only_where_it_says_so():
    lines = (DEPLOY / "aws.txt").read_text().splitlines()
    pins = locked()
    for one in [Requirement(line) for line in lines if line and not line.startswith("#")]:
        if one.name != "python-dateutil":
            pin = pins.get(canonicalize_name(one.name))
            assert pin is None or one.specifier.contains(pin), one
    assert "python-dateutil" in lines[1]


def test_code_comes_after_the_packages_it_needs(steps):
    order = [f"{word} {rest}" for word, rest in steps]
    last_package = max(i for i, line in enumerate(order) if "--only-binary :all:" in line)
    first_code = min(order.index(f"COPY {name} ./{name}") for name in CODE)
    assert last_package < first_code


def test_nothing_is_compiled_and_nobody_is_root(steps):
    runs = " ".join(told(steps, "RUN"))
    assert "apt-get" not in runs
    assert "gcc" not in runs
    last = [word for word, _ in steps if word in ("USER", "RUN", "CMD")]
    assert last[-2:] == ["USER", "CMD"]  # nothing runs in between
    assert told(steps, "USER") == ["1000"]
    assert "--uid 1000" in runs


def test_no_index_is_named_and_no_secret_taken(steps):
    assert "://" not in (DEPLOY / "Dockerfile").read_text().replace("s3://", "")
    given = [rest.partition("=")[0] for rest in told(steps, "ARG")]
    assert sorted(given) == ["CLOUD", "TORCH_INDEX"]


def test_the_copied_files_build_the_package(steps, tmp_path):
    place = copied(steps, tmp_path)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(command, cwd=place, capture_output=True, check=True)
    (wheel,) = place.glob("dist/fingan-*.whl")
    assert wheel.stat().st_size > 100_000


def test_the_copied_files_start_the_service(steps, tmp_path):
    place = copied(steps, tmp_path)
    told_environment = environment(steps)
    (work,) = told(steps, "WORKDIR")
    assert told_environment["PYTHONPATH"] == work
    words = json.loads(told(steps, "CMD")[0])
    module = words[words.index("-m") + 1]
    check = (
        f"import runpy, sys, {module}, serve.app, ray_jobs.train; print({module}.__file__);"
        f" sys.argv = ['{module}', '--help']; runpy.run_module('{module}', run_name='__main__')"
    )
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", check],
        cwd=place.parent,
        env={"PYTHONPATH": str(place), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    file, known = answer.stdout.split("\n", 1)
    assert Path(file).is_relative_to(place)
    options = set(re.findall(r"--[a-z-]+", known))
    assert {word for word in words if word.startswith("--")} <= options
