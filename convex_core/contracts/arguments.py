"""The nouns that functions take, as Problem, Network or Dataset: what is given in place of one is said in words."""

from __future__ import annotations

from functools import cache
from itertools import permutations

from ..errors import InputError

__all__ = ["check_arguments", "fits", "with_article"]


def check_arguments(function: str, **given: tuple[object, type]) -> None:
    """Raise :class:`InputError` unless each argument is an instance of its class.

    Parameters
    ----------
    function : str
        Who asks.
    **given
        Each argument with its class, in the order of the parameters. A class that is a protocol asks for its public
        members.

    Raises
    ------
    InputError
        Says what was given, and whether the arguments are only in the wrong order.

    Examples
    --------
    >>> check_arguments("repeat", word=(3, str), times=("ab", int))
    Traceback (most recent call last):
    ...
    convex_core.errors.InputError: repeat: got (int, str), expected (word, times): the arguments are swapped
    """
    values = [value for value, _ in given.values()]
    kinds = [kind for _, kind in given.values()]
    if all(map(fits, values, kinds)):
        return
    if any(all(map(fits, order, kinds)) for order in permutations(values)):
        got = ", ".join(type(value).__name__ for value in values)
        raise InputError(f"{function}: got ({got}), expected ({', '.join(given)}): the arguments are swapped")
    name, value, kind = next((name, value, kind) for name, (value, kind) in given.items() if not fits(value, kind))
    lacks = _missing(value, kind)
    if 0 < len(lacks) < len(_members(kind)) / 2:  # meant to be one
        raise InputError(
            f"{function}: got {with_article(type(value).__name__)} without {', '.join(lacks)} for {name}, expected "
            f"{with_article(kind.__name__)}"
        )
    made = _MADE_BY.get((type(value).__name__, kind.__name__)) or _MADE_BY.get(("", kind.__name__))
    hint = f", for example {made}" if made else ""
    raise InputError(
        f"{function}: got {with_article(type(value).__name__)} for {name}, expected {with_article(kind.__name__)}{hint}"
    )


#: how to get from what people give to what is expected
_MADE_BY = {
    ("Dataset", "Problem"): "Problem.from_dataset(dataset)",
    ("Solution", "Network"): "solution.network",
    ("Solution", "Problem"): "solution.problem",
    ("Model", "Network"): "model.network",
    ("str", "Loss"): "make_loss(name)",
    ("str", "Dataset"): "load_dataset(name) or read_dataset(path)",
    ("", "PatchGeometry"): "patch_geometry(input_shape, filter_size, stride)",
    ("", "Architecture"): "TwoLayerCNN(patch_geometry(input_shape, filter_size, stride))",
}


def with_article(name: str) -> str:
    """A class in a sentence.

    Examples
    --------
    >>> with_article("int"), with_article("Problem")
    ('an int', 'a Problem')
    """
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def fits(value: object, kind: type) -> bool:
    """Whether `value` is a `kind`: an instance, or for a protocol whatever has its public members.

    Examples
    --------
    >>> fits("a", str), fits("a", int)
    (True, False)
    """
    if not getattr(kind, "_is_protocol", False):
        return isinstance(value, kind)
    return not isinstance(value, type) and not _missing(value, kind)  # a class has what its objects have


@cache
def _members(kind: type) -> tuple[str, ...]:
    """Public members of a protocol and of those that it is made of; none of a class."""
    protocols = kind.__mro__ if getattr(kind, "_is_protocol", False) else ()
    return tuple(sorted({name for part in protocols for name in vars(part) if not name.startswith("_")}))


def _missing(value: object, kind: type) -> list[str]:
    """What `value` lacks of a protocol."""
    # isinstance() would work out the properties; the class has them nearly always
    lacks = [name for name in _members(kind) if not hasattr(type(value), name)]
    return [name for name in lacks if not hasattr(value, name)]
