"""Many problems, a row each: over beta, stride, filter size, network, activation, loss, seed and dataset.

A grid becomes tasks, whose keys are hashes of all their settings; any executor turns tasks into rows; rows are appended
to a file as they come, and what is there is not computed again. A row depends on its task alone, so that the table is
the same whoever computed it, in whatever order.
"""

from .driving import sweep
from .rows import SweepRow
from .settings import DEFAULTS
from .table import Sweep
from .tasks import MAX_TASKS, SweepTask, tasks_of
from .work import run_task

__all__ = ["DEFAULTS", "MAX_TASKS", "Sweep", "SweepRow", "SweepTask", "run_task", "sweep", "tasks_of"]
