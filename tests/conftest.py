"""What holds for every test: read before anything imports numpy, and inherited by every process of the run."""

import os
import sys

# as many processes as cores run tests: where each shares every product between all cores, threads wait in a spin
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# a run starts hundreds of Pythons (workers, command lines, servers): without bytecode each compiles all it imports anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
