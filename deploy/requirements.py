"""Print what an image installs before it has the code: dependencies of fingan and of a cluster."""

import sys
import tomllib
from pathlib import Path


def requirements(project: Path) -> list[str]:
    """What ``pip install .[cluster]`` would install.

    Args:
        project: ``pyproject.toml``.
    """
    declared = tomllib.loads(project.read_text())["project"]
    return [*declared["dependencies"], *declared["optional-dependencies"]["cluster"]]


if __name__ == "__main__":
    sys.stdout.write("\n".join(requirements(Path(sys.argv[1]))) + "\n")
