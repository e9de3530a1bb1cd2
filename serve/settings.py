"""What an operator decides: where models lie, who may ask, how much at once."""

from typing import Annotated

from pydantic import Field

from fingan.config import Config

Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Limits(Config):
    """What a request may ask for; ``GET /v1/limits`` shows them."""

    max_paths: Positive = 10_000_000
    """Scenarios of one request."""
    max_horizon: Positive = 25_200
    """Steps of one scenario."""
    max_values: Positive = 1_000_000_000
    """Numbers of one streamed cube: paths x steps x assets."""
    max_block_values: Positive = 100_000_000
    """Numbers of one block, 512 paths x steps x the model's assets: the least that is drawn."""
    max_held_values: Positive = 200_000_000
    """Numbers of a cube that an answer holds in memory: risk, stress, screens, summaries."""
    max_json_values: Positive = 1_000_000
    """Numbers of a cube that is asked for as JSON."""
    max_history_values: Positive = 5_000_000
    """Prices of a history that is sent with a request: rows x assets."""
    max_body_bytes: Positive = 64 * 2**20
    """Bytes of a request's body."""
    max_header_bytes: Positive = 32 * 2**10
    """Bytes of a request's line and headers."""
    body_seconds: Seconds = 10.0
    """Time in which a request's head, and then its body, must have arrived."""
    answer_seconds: Seconds = 7.0
    """Time that an answer may take before its first byte; then 503, and the work goes on."""
    max_late: Annotated[int, Field(ge=0)] = 2
    """Answers that are worked on although they are late, for who asks again; more are given up."""
    late_seconds: Seconds = 300.0
    """Time that work may go on after its answer was late."""
    max_running: Positive = 16
    """Requests that one ingress works on at once; more wait."""
    max_waiting: Positive = 64
    """Requests that wait; more are refused with 503 and ``Retry-After``."""
    wait_seconds: Seconds = 2.0
    """Time that a request may wait for its turn; then 503."""
    max_jobs: Positive = 1
    """Jobs that run at once; more wait."""
    max_waiting_jobs: Positive = 100
    """Jobs that wait; more are refused with 429 and ``Retry-After``."""


class Rates(Config):
    """What one key may ask for in a minute; over them 429 with ``Retry-After``."""

    requests_per_minute: Positive = 6_000
    """Requests."""


class ServiceSettings(Config):
    """The whole configuration of the service."""

    store: str = "./models"
    """Model store: a directory or URL."""
    prices: dict[str, str] = Field(default_factory=dict)
    """Price files that a request may name, by the name it uses; bundled data need no entry."""
    state: str | None = None
    """Directory of keys, jobs and the audit trail; ``.service`` in a local store if not given."""
    host: str = "127.0.0.1"
    """Address to listen on; any but loopback needs keys."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    """Port to listen on; 0 for any free one."""
    require_keys: bool | None = None
    """Whether requests need a bearer key; None: exactly if ``host`` is not loopback."""
    allow_origins: tuple[str, ...] = ()
    """Web origins that a browser may call from."""
    allow_hosts: tuple[str, ...] = ()
    """Names under which the service may be called, beside loopback's; needed behind a proxy."""
    model_bytes: Positive = 2 * 2**30
    """Memory that the models of one replica may take; the least recently used goes first."""
    poll_seconds: Seconds = 0.5
    """How often the store is asked for new versions."""
    limits: Limits = Limits()
    rates: Rates = Rates()

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.host in LOOPBACK

    @property
    def needs_keys(self) -> bool:
        """Whether a request must carry a key."""
        return not self.is_loopback if self.require_keys is None else self.require_keys
