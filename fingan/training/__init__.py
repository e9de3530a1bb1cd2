"""Learning a generator: objectives, steps, averaging over workers, exact resume, the loop."""
