"""HAProxy as Ray Serve starts it, but closed: nothing listens beside the service's own address.

Ray writes HAProxy's configuration and starts the program that ``RAY_SERVE_HAPROXY_BINARY_PATH``
names. That program is the launcher below: it closes what the configuration opens to everybody
(statistics, the administrator's socket), cuts clients that never finish their request, and becomes
HAProxy. It uses nothing but the standard library, since each reload of HAProxy waits for it.
"""

import ctypes
import os
import re
import shlex
import signal
import sys
from pathlib import Path

SORRY = (
    '{"type":"urn:fingan:problem:no-ingress","title":"Service Unavailable","status":503,'
    '"detail":"the service is starting or being replaced; ask again","errors":[]}'
)
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Content-Type: application/problem+json\r\n"
    b"Retry-After: 2\r\n"
    b"Cache-Control: no-store\r\n"
    b"Connection: close\r\n"
    b"\r\n" + SORRY.encode()
)
DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG


def write_launcher(directory: Path, binary: str, head_seconds: float, bind: str | None) -> Path:
    """Write the program that Ray shall start in HAProxy's place.

    Args:
        directory: Private to this service.
        binary: HAProxy.
        head_seconds: In which a request's head must have arrived.
        bind: Address to listen on, where it is another than Ray knows.
    """
    launcher = directory / "haproxy"
    words = [sys.executable, "-IS", __file__, binary, str(round(head_seconds * 1000)), bind or "-"]
    launcher.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    launcher.chmod(0o700)
    return launcher


def closed(config: str, place: Path, head_milliseconds: int, bind: str | None) -> str:
    """HAProxy's configuration with its doors shut.

    Args:
        config: As Ray wrote it.
        place: Directory of its sockets and pages.
        head_milliseconds: In which a request's head must have arrived.
        bind: Address to listen on; None for the one in ``config``.
    """
    refusal = place / "503.http"
    replaced = [
        (
            r"(listen stats\n\s+bind ).*",
            rf"\1unix@{place}/statistics.sock mode 600",
        ),
        (
            r"(frontend prometheus\n\s+bind ).*",
            rf"\1unix@{place}/metrics-page.sock mode 600",
        ),
        (r"mode 666", "mode 600"),
        (r"(log \S+ local0) info", r"\1 emerg"),
        (r"(errorfile \d+) .*", rf"\1 {refusal}"),
        (
            r"http-request return status 404 .*",  # while the application is not there
            "http-request return status 503 content-type application/problem+json"
            f" hdr Retry-After 2 string '{SORRY}'",
        ),
        (
            r"(?m)^defaults$",
            f"defaults\n    timeout http-request {head_milliseconds}ms"
            "\n    timeout http-keep-alive 75s",
        ),
        (
            r"(frontend http_frontend\n\s+bind )\S+(:\d+)",
            (rf"\g<1>{bind}\2" if bind else r"\g<1>127.0.0.1\2")
            + "\n    http-request del-header x-request-disconnect-disabled",
        ),
    ]
    for pattern, replacement in replaced:
        config = re.sub(pattern, replacement, config)
    return config


def main() -> None:
    """Close the configuration that the arguments name, and become HAProxy."""
    binary, milliseconds, bind, *arguments = sys.argv[1:]
    path = Path(arguments[arguments.index("-f") + 1])
    (path.parent / "503.http").write_bytes(REFUSAL)
    config = closed(path.read_text(), path.parent, int(milliseconds), None if bind == "-" else bind)
    path.write_text(config)
    ctypes.CDLL(None).prctl(DEATH_OF_PARENT, signal.SIGTERM)  # leaves no listener behind
    os.execv(binary, [binary, *arguments])


if __name__ == "__main__":
    main()
