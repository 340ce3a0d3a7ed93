"""What a run asks of a node. No Ray is needed for this."""

from __future__ import annotations

import pytest

from dodo_pyexp.errors import ConfigError
from dodo_pyexp.executors.ray.demand import MOST, Demand, check_resources

NODES = [{"CPU": 4.0, "memory": 8e9, "node:10.0.0.1": 1.0}, {"CPU": 2.0, "GPU": 1.0, "fast_disk": 1.0}]


def test_the_strongest_wish_counts_and_one_processor_if_nothing_is_said():
    demand = Demand({"num_cpus": 2}, {"num_cpus": 3, "num_gpus": 1, "fast_disk": 1}, None)
    assert demand.options() == {"num_cpus": 2, "num_gpus": 1, "resources": {"fast_disk": 1}}
    assert Demand({}).options() == {"num_cpus": 1.0, "resources": {}}
    assert str(demand) == "num_cpus=2, num_gpus=1, fast_disk=1"


def test_what_no_node_has_is_named():
    assert "no node of the cluster has that: at most num_gpus=1;" in Demand({"num_gpus": 2}).misfit(NODES)
    assert "no single node of the cluster has all of that" in Demand({"num_gpus": 1, "num_cpus": 4}).misfit(NODES)
    assert Demand({"num_gpus": 1}).fits(NODES[1]) and not Demand({"num_gpus": 1}).fits(NODES[0])


@pytest.mark.parametrize("name, meant", [("num_cpu", "num_cpus"), ("gpus", "num_gpus"), ("fastdisk", "fast_disk")])
def test_a_misspelt_resource_is_told_with_the_right_one(name, meant):
    assert f'at most {name}=0 (did you mean "{meant}"?)' in Demand({name: 1}).misfit(NODES)


def test_an_amount_that_ray_cannot_count_to_is_not_taken_for_none():
    demand = Demand({"memory": 10**18})
    assert demand.options()["memory"] == MOST and not any(demand.fits(node) for node in NODES)


@pytest.mark.parametrize(
    "resources, said",
    [
        ([1], "resources must be a table"),
        ({"num_cpus": "2"}, "resources.num_cpus must be a number that is not negative, not '2'"),
        ({"num_cpus": -1}, "must be a number that is not negative"),
        ({"num_cpus": True}, "must be a number that is not negative"),
        ({"num_cpus": float("nan")}, "must be a number that is not negative"),
        ({"CPU": 1}, 'resources has no key "CPU"; write "num_cpus"'),
        ({"num_gpus": 1.5}, "resources.num_gpus must be whole or less than 1, not 1.5"),
        ({"": 1}, "resources has no key ''"),
        ({"object_store_memory": 1}, "resources has no key 'object_store_memory'; it takes num_cpus, num_gpus, memory"),
        ({3: 1}, "resources has no key 3"),
    ],
)
def test_what_makes_no_sense_is_refused(resources, said):
    with pytest.raises(ConfigError) as refused:
        check_resources(resources, "exp.py:3")
    assert str(refused.value).startswith("exp.py:3: ") and said in str(refused.value)


def test_what_makes_sense_is_let_through():
    for resources in (None, {}, {"num_cpus": 0, "num_gpus": 0.5, "memory": 1e9, "disk": 2}, {"num_gpus": 2.0}):
        check_resources(resources, "exp.py:3")
