"""Measurements of motcua: quality and speed. See ``benchmarks/README.md``."""

import os

# As the app and the command line do: more threads only fight over few cores. Read when faiss is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
