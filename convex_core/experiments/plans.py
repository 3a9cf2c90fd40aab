"""What each experiment consists of: the figures the talk states, and our own choices for what it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..contracts.records import record

__all__ = ["EXPERIMENTS", "ArmPlan", "Plan"]


@record
@dataclass(frozen=True, slots=True)
class ArmPlan:
    """One convex program of an experiment.

    Attributes
    ----------
    name : str
        Short name, unique in its experiment.
    label : str
        What it is, for a legend.
    architecture : str
        Name of the architecture.
    options : mapping
        Its options.
    filter_size : int or None
        Filter length; None for that of the plan.
    tol : float
        Relative gap asked for.
    same_network : bool
        Whether its networks are those that SGD trains, so that the objectives can be compared.
    quick : bool
        Whether it takes about as long as SGD, and not tens of seconds.
    """

    name: str
    label: str
    architecture: str = "two-layer"
    options: Mapping[str, str | int] = field(default_factory=dict)
    filter_size: int | None = None
    tol: float = 1e-6
    same_network: bool = True
    quick: bool = False


@record
@dataclass(frozen=True, slots=True)
class Plan:
    """An experiment.

    Attributes
    ----------
    name, title : str
        On the command line, and for a heading.
    dataset : str
        Built-in dataset.
    dataset_options : mapping
        Its options.
    filter_size : int
        Filter length.
    stride : int
        Stride.
    beta : float
        Regularisation.
    m : int
        Width of the networks that SGD trains.
    iterations : int
        Steps of SGD.
    arms : tuple of ArmPlan
        The convex programs; the first one's architecture is what SGD trains.
    stated : tuple of str
        What the talk states.
    chosen : tuple of str
        What it does not state and is our choice.
    """

    name: str
    title: str
    dataset: str
    dataset_options: Mapping[str, int | str | bool | None]
    filter_size: int
    stride: int
    beta: float
    m: int
    iterations: int
    arms: tuple[ArmPlan, ...]
    stated: tuple[str, ...]
    chosen: tuple[str, ...]


_CIRCULAR = (
    ArmPlan("spectral", "spectral l1 program (the talk's)", "circular", {"relaxation": "spectral"}, tol=1e-3),
    ArmPlan("nuclear", "nuclear-norm lift", "circular", {"relaxation": "nuclear"}, tol=1e-3),
    ArmPlan(
        "euclidean", "filters of length 1 (Euclidean penalty)", "circular", {}, filter_size=1, tol=1e-3, quick=True
    ),
    ArmPlan("two-layer", "two-layer CNN, certified", same_network=False, quick=True),
)
_IMAGE_CHOICES = (
    "the first 99 images train and the next 500 (or all that remain) test; labels +1 for classes 0-4, -1 for 5-9",
    "beta, step size, momentum 0.9, cosine schedule, batch of 50 and number of steps",
    "the circular program's patterns are sampled: with 99 hyperplanes in 16 or 50 dimensions they cannot be listed",
    "the two-layer CNN of the last arm, solved to a certificate over every pattern",
)


def _on_images(
    name: str,
    source: str,
    options: Mapping[str, int | str | bool | None],
    *,
    m: int,
    stated: tuple[str, ...],
    chosen: tuple[str, ...],
    iterations: int = 5_000,
) -> Plan:
    """The three-layer circular CNN of the talk on the images of a built-in dataset."""
    return Plan(
        name=name,
        title=f"Three-layer circular CNN on {source}",
        dataset=name,
        dataset_options=options,
        filter_size=3,
        stride=1,
        beta=1.0,
        m=m,
        iterations=iterations,
        arms=_CIRCULAR,
        stated=stated,
        chosen=(*chosen, *_IMAGE_CHOICES),
    )


#: Every experiment by name.
EXPERIMENTS: dict[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan(
            name="talk",
            title="Two-layer CNN on synthetic data",
            dataset="talk",
            dataset_options={},
            filter_size=10,
            stride=5,
            beta=0.1,
            m=7,
            iterations=20_000,
            arms=(ArmPlan("convex", "convex program, certified", tol=1e-8, quick=True),),
            stated=("n = 6 samples of d = 15", "filters of length 10, stride 5", "five SGD seeds"),
            chosen=(
                "Gaussian inputs and targets from the seed",
                "beta = 0.1",
                "m = 7 filters, one more than there are samples",
                "SGD with momentum 0.9, a cosine schedule, batch of 3 and the step size of the data's curvature",
            ),
        ),
        _on_images(
            "mnist",
            "MNIST",
            {},
            m=20,
            stated=("n = 99 images of d = 50", "filters of length 3, stride 1", "m = 20 filters", "five SGD seeds"),
            chosen=("d = 50: MNIST's 28 x 28 mean-pooled 4 x 4 to 7 x 7, flattened, one zero appended",),
        ),
        _on_images(
            "digits",
            "scikit-learn's digits",
            {"classes": None, "n": 99, "n_test": 500, "selection": "first", "flatten": True},
            m=20,
            iterations=2_000,
            stated=("nothing: the talk has no such experiment; this one needs no files",),
            chosen=("d = 16: 8 x 8 mean-pooled 2 x 2 to 4 x 4, flattened", "n = 99 and m = 20"),
        ),
        _on_images(
            "cifar10",
            "CIFAR-10",
            {"crop": 28, "pad": 1},
            m=40,
            stated=("n = 99 images of d = 50", "filters of length 3, stride 1", "m = 40 filters", "five SGD seeds"),
            chosen=("d = 50: grayscale, the 28 x 28 centre mean-pooled 4 x 4 to 7 x 7, flattened, one zero appended",),
        ),
    )
}
