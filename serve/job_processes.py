"""Jobs as processes of this machine, each in a session of its own: they outlive the service."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from fingan.files import whole_file

PROCESS, LOG = "process", "log.txt"


class ProcessRunner:
    """Starts ``python -m serve.job`` for a job's directory."""

    def __init__(self) -> None:
        self._children: dict[Path, subprocess.Popen[bytes]] = {}

    def start(self, directory: Path) -> None:
        """Begin, where nobody works on it yet; returns at once."""
        if self.is_alive(directory):
            return
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
        try:
            with whole_file(directory / PROCESS) as file:
                file.write(f"{child.pid} {psutil.Process(child.pid).create_time()}".encode())
        except BaseException:
            child.kill()  # nobody would find it
            child.wait()
            raise
        running = {place: one for place, one in self._children.items() if one.poll() is None}
        self._children = running | {directory: child}
        threading.Thread(target=child.wait, daemon=True).start()  # else it stays as a zombie

    def is_alive(self, directory: Path) -> bool:
        """Whether its process runs; also one that another service has started."""
        child = self._children.get(directory)
        if child is not None:
            return child.poll() is None
        return self._process(directory) is not None

    def stop(self, directory: Path) -> None:
        """End its process and all that it has started."""
        process = self._process(directory)
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let go of what runs: it goes on, and another runner finds it."""
        self._children.clear()

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
