"""Jobs as processes of this machine, each in a session of its own: they outlive the service."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

PROCESS, LOG = "process", "log.txt"


class ProcessRunner:
    """Starts ``python -m serve.job`` for a job's directory."""

    def __init__(self) -> None:
        self._children: dict[Path, subprocess.Popen[bytes]] = {}

    def start(self, directory: Path) -> None:
        """Begin; returns at once."""
        with (directory / LOG).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "serve.job", str(directory)],
                cwd=Path(__file__).parents[1],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
        self._children[directory] = child
        (directory / PROCESS).write_text(f"{child.pid} {psutil.Process(child.pid).create_time()}")

    def is_alive(self, directory: Path) -> bool:
        """Whether its process runs; also one that another service has started."""
        child = self._children.get(directory)
        if child is not None:
            if child.poll() is None:
                return True
            self._forget(directory)
            return False
        return self._process(directory) is not None

    def stop(self, directory: Path) -> None:
        """End its process and all that it has started."""
        process = self._process(directory)
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        self._forget(directory)

    def close(self) -> None:
        """Let go of what runs: it goes on, and another runner finds it."""
        for child in self._children.values():
            child.returncode = 0  # nobody waits for it here; init does
        self._children.clear()

    def _forget(self, directory: Path) -> None:
        if (child := self._children.pop(directory, None)) is not None:
            child.wait()

    def _process(self, directory: Path) -> psutil.Process | None:
        """The process that was started, and no other that has its number now."""
        path = directory / PROCESS
        if not path.exists():
            return None
        number, began = path.read_text().split()
        try:
            process = psutil.Process(int(number))
            is_same = abs(process.create_time() - float(began)) < 1
            return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None
