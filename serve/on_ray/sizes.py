"""How much one replica takes in, and where Ray puts it; ``serve/config.yaml`` says the same."""

from typing import Any

GENERATOR_REQUESTS = 16
"""Requests that one generator works on at once; its ingress waits with more."""

INGRESS: dict[str, Any] = {
    "num_replicas": 1,  # rates, queues and metrics are counted in it
    "max_ongoing_requests": 200,  # its own gate is narrower, and answers with a problem document
    "max_queued_requests": 200,
    "graceful_shutdown_timeout_s": 20,
    "health_check_period_s": 2,
    "health_check_timeout_s": 10,
    "ray_actor_options": {"num_cpus": 0.5},
}
GENERATOR: dict[str, Any] = {
    "autoscaling_config": {
        "min_replicas": 3,  # two answer while a dead one starts again: 8 s of a processor
        "max_replicas": 4,
        "target_ongoing_requests": 4,
        "upscale_delay_s": 5,
        "downscale_delay_s": 120,
    },
    "max_ongoing_requests": GENERATOR_REQUESTS,
    "max_queued_requests": 64,
    "graceful_shutdown_timeout_s": 20,
    "health_check_period_s": 1,
    "health_check_timeout_s": 30,  # a long draw may hold the interpreter
    "ray_actor_options": {"num_cpus": 1, "num_gpus": 0},
}
