"""Benchmarks: `python -m benchmarks.NAME --json FILE`. One thread unless the environment says otherwise."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
