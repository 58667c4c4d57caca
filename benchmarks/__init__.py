"""What Stockade costs, claim by claim: `python -m benchmarks`.

Every figure is CPU time, never elapsed time, and the bare thing is measured in the same run, turn
about with ours: on a machine that others use too, only the ratio of neighbours means something.
How to read and to distrust the figures: docs/reference/benchmarks.md.
"""
