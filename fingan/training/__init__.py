"""Learning a generator: objectives, the two steps, averaging over workers, exact resume, the loop."""
