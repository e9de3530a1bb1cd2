"""What docs/cluster.md tells a reader to type, open and look for."""

import importlib
import re
import shlex
import warnings
from pathlib import Path

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Ray's own
    from ray.dashboard.modules.job.cli import job_cli_group
    from ray.scripts.scripts import cli

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "cluster.md").read_text()
CODE = ("fingan", "ray_jobs", "serve")


def commands() -> list[list[str]]:
    """The indented lines, continued ones joined, without comments and assignments."""
    text = GUIDE.replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    words = [shlex.split(line, comments=True) for line in lines]
    return [line for line in words if line]


def options(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if word.startswith("--")} - {"--"}


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)", GUIDE):
        assert (ROOT / "docs" / target).exists(), target


def test_ray_knows_every_command_and_option():
    asked = [line for line in commands() if line[0] == "ray"]
    assert len(asked) > 10
    for _, name, *rest in asked:
        command = cli.commands[name]
        if name == "job":
            command = job_cli_group.commands[rest[0]]
        own = rest[: rest.index("--")] if "--" in rest else rest
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        assert options(own) <= known, (name, rest)


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m (ray_jobs\.\w+)", GUIDE))))
def test_every_job_is_there_and_knows_its_options(module, capsys):
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(module).main(["--help"])
    assert ended.value.code == 0
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    for line in [line for line in commands() if module in line]:
        words = line[line.index(module) :]
        assert options(words) <= known
        assert (ROOT / words[words.index("--config") + 1]).is_file()


def test_every_applied_manifest_and_built_file_is_there():
    named = [word for line in commands() for word in line if word.startswith("deploy/")]
    assert len(named) > 5
    for path in named:
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize(
    "sentence",
    [
        "the cluster must start",
        "workers may fail",
        "loss and gradients must be finite",
        "cannot be written",
        "there is no checkpoint to resume from",
        "host-unknown",
    ],
)
def test_quoted_failures_are_those_of_the_code(sentence):
    assert sentence in GUIDE
    sources = [path for room in CODE for path in (ROOT / room).rglob("*.py")]
    assert any(sentence in path.read_text() for path in sources)
