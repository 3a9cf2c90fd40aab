"""What the app compiles in the background: every kernel that Python calls, so that no page ever compiles one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from convex_core._numba import HAVE_NUMBA

# in a process of its own: other tests compile kernels too
_COUNT = """
import json
from pages._ui import warm
from convex_core._cone_projection import top_cone_supports
from convex_core.arrangement.cell_kernel import facets_kernel, witness_kernel
from convex_core.arrangement.nbc_kernel import subtree
from convex_core.solvers._ascent import ascend, respond
from convex_core.solvers._cone_prox import cone_prox
from convex_core.solvers._sphere import branch_and_bound

warm.kernels().join()
warm.compile_rest()
kernels = ascend, branch_and_bound, cone_prox, facets_kernel, respond, subtree, top_cone_supports, witness_kernel
print(json.dumps({kernel.__name__: len(kernel.signatures) for kernel in kernels}))
"""


@pytest.mark.skipif(not HAVE_NUMBA, reason="nothing to compile")
def test_every_kernel_is_compiled_in_the_background():
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", _COUNT], cwd=root, capture_output=True, text=True, timeout=300)
    signatures = json.loads(done.stdout)
    assert min(signatures.values()) >= 1, signatures
