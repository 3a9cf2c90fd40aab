"""Two ways between networks: values of networks that exist, a convex fall to the optimum, matched neurons."""

import numpy as np
import pytest
from architecture_cases import every_architecture, random_network, tiny_problem

from convex_core import InputError, Network, Problem, load_dataset, local_search, solve, train_sgd, two_ways
from convex_core.figures.ways import along_two_ways

TALK = Problem.from_dataset(load_dataset("talk"))


def joined(problem, start, end, t):
    """The network with the blocks of both, those of `start` times 1 - t and those of `end` times t."""
    cnn = problem.architecture
    parts = []
    for network, share in ((start, 1.0 - t), (end, t)):
        neurons = cnn.balanced(network.parameters)
        parts.append(cnn.scaled(neurons, np.full(len(neurons["weights"]), share)))
    return Network.from_parameters(cnn, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


@pytest.mark.parametrize("architecture", list(every_architecture())[::3])
def test_the_way_through_the_blocks_is_of_networks_and_convex(architecture):
    problem = tiny_problem(architecture)
    start, end = random_network(problem, 3, 0), random_network(problem, 2, 1)
    ways = two_ways(problem, start, end, points=9)
    for t, value in zip(ways.share[1:-1], ways.blocks[1:-1], strict=True):
        assert value == pytest.approx(problem.objective(joined(problem, start, end, t)), rel=1e-9)
    assert np.diff(ways.blocks, 2).min() >= -1e-9 * ways.blocks.max()
    assert ways.weights[[0, -1]] == pytest.approx(ways.blocks[[0, -1]], rel=1e-12)
    assert ways.weights[0] <= problem.objective(start) * (1.0 + 1e-12)


def test_it_falls_to_a_global_optimum_and_the_straight_way_climbs():
    best = solve(TALK)
    for network in train_sgd(TALK, seeds=4, iterations=400).best_networks:
        ways = two_ways(TALK, network, best.network)
        assert np.diff(ways.blocks).max() <= 1e-9
        assert ways.weights[0] == pytest.approx(ways.blocks[0], rel=1e-12)
        assert ways.weights.min() >= best.lower_bound - 1e-9
        assert ways.barrier > 0.0


@pytest.mark.slow
def test_neurons_in_another_order_are_the_same_network():
    network = local_search(TALK, m=5, starts=1)
    order = np.random.default_rng(0).permutation(network.m)
    same = Network(network.architecture, network.filters[order], network.weights[order])
    ways = two_ways(TALK, network, same, points=5)
    assert order[ways.order].tolist() == list(range(network.m))
    assert ways.barrier <= 1e-12
    assert np.ptp(ways.weights) <= 1e-12


def test_the_smaller_network_gets_neurons_of_zeros():
    zero = Network.zero(TALK.architecture)
    network = solve(TALK).network
    for start, end in ((zero, network), (network, zero)):
        ways = two_ways(TALK, start, end, points=3)
        assert sorted(ways.order) == list(range(network.m))
        # weights and filters are both half as long: a quarter of the outputs
        half = Network(network.architecture, network.filters / 2, network.weights / 2)
        assert ways.weights[1] == pytest.approx(TALK.objective(half))
    assert two_ways(TALK, zero, zero).barrier == 0.0


def test_what_does_not_fit_is_refused():
    other = Problem.from_dataset(load_dataset("shift"))
    zero = Network.zero(TALK.architecture)
    with pytest.raises(InputError, match="network: got architecture"):
        two_ways(other, zero, zero)
    with pytest.raises(InputError, match="points: got 1, expected"):
        two_ways(TALK, zero, zero, points=1)
    with pytest.raises(InputError, match="two_ways"):
        two_ways(zero, zero, TALK)
    ways = two_ways(TALK, zero, zero, points=2)
    with pytest.raises(InputError, match="shown: got 2, expected one of the seeds 0, 1"):
        along_two_ways([ways, ways], [0, 1], shown=2)
    with pytest.raises(InputError, match="ways: got 1, expected one for each of the 2 seeds"):
        along_two_ways([ways], [0, 1], shown=0)


def test_the_chart_says_what_it_shows():
    zero, network = Network.zero(TALK.architecture), solve(TALK).network
    ways = [two_ways(TALK, zero, network), two_ways(TALK, network, network)]
    chart = along_two_ways(ways, [7, 8], shown=8)
    assert "seed 8" in chart.alt
    assert "no barrier" in chart.alt
    assert chart.table["seed 7, in the weights"] == ways[0].weights.tolist()
    assert [trace.name for trace in chart.figure.data if trace.name] == [
        "seed 7, in the weights", "in the blocks", "in the weights",
    ]  # fmt: skip
