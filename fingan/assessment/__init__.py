"""Models put to the test: scored beside baselines, recorded on a card."""
