"""Speed beside rivals and physical limits, quality beside baselines; `docs/results.md` holds them.

Every program prints ratios taken in turns within one run, at one thread, in CPU-seconds, since a
shared machine stretches the clock on the wall.
"""
