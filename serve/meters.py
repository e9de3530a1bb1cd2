"""What ``GET /metrics`` counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Meters:
    """The meters of one ingress; each has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "fingan_request_seconds",
            "Time until a request's head was answered",
            ("route", "method"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.requests = Counter(
            "fingan_requests",
            "Requests by status",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.bytes_sent = Counter(
            "fingan_sent_bytes", "Bytes of bodies sent", ("route",), registry=self.registry
        )
        self.values = Counter(
            "fingan_scenario_values", "Numbers of scenarios asked for", registry=self.registry
        )
        self.refused = Counter(
            "fingan_refused",
            "Requests refused, by code of the problem",
            ("code",),
            registry=self.registry,
        )
        self.running = Gauge(
            "fingan_running_requests", "Requests being answered", registry=self.registry
        )
        self.waiting = Gauge(
            "fingan_waiting_requests", "Requests that wait", registry=self.registry
        )

    def page(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)
