"""The tiny circuit before Redis."""

from __future__ import annotations

from reliability.live.domain.circuit import Circuit


def test_it_lets_calls_through_until_one_fails() -> None:
    circuit = Circuit(wait_s=1.0)
    assert circuit.allows(0.0)
    assert not circuit.failed(10.0).allows(10.5)
    assert circuit.failed(10.0).allows(11.0)


def test_waits_double_up_to_the_longest() -> None:
    circuit = Circuit(wait_s=1.0, longest_s=5.0)
    waits = []
    for _ in range(6):
        circuit = circuit.failed(0.0)
        waits.append(circuit.open_until_s)
    assert waits == [1.0, 2.0, 4.0, 5.0, 5.0, 5.0]


def test_a_success_forgets_all_failures() -> None:
    circuit = Circuit().failed(0.0).failed(0.0).succeeded()
    assert circuit == Circuit()
