"""The group admin's part of the contract: groups, their members and their commits."""

from __future__ import annotations

import uuid

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from tests.contracts.kafka import talking
from tests.contracts.kafka.brokers import LISTS_GROUPS, Broker, needs

ODD = [
    "with space",
    "a/b\\c",
    'it\'s "quoted"',
    "ünïcödé-日本語-🚀",
    "<script>alert(1)</script>",
    "%s %d {0}",
    "tab\there",
    "-",
    "x" * 200,
]


def listed(broker: Broker, group: str) -> ports.GroupListing | None:
    return next((each for each in broker.group_admin().groups() if each.name == group), None)


@needs(LISTS_GROUPS)
def test_a_group_is_listed_and_described_with_its_members(broker: Broker) -> None:
    (topic, places), group = talking.filled(broker, partitions=3), talking.group()
    admin = broker.group_admin()
    with talking.member(broker, group, topic, records=3):
        listing = listed(broker, group)
        assert listing == ports.GroupListing(name=group, state="stable", protocol="classic", type="consumer")
        described = admin.describe([listing])[group]
        assert isinstance(described, ports.GroupDescription)
        assert (described.name, described.state, described.protocol) == (group, "stable", "classic")
        assert described.assignor == "cooperative-sticky"
        assert described.coordinator == 1
        [one] = described.members
        assert (one.client_id, one.host, one.instance_id) == ("contract", "127.0.0.1", None)
        assert one.owns == frozenset(places)
        assert one.target is None
        assert one.id
    empty = listed(broker, group)
    assert empty == ports.GroupListing(name=group, state="empty", protocol="classic", type="consumer")
    described = admin.describe([empty])[group]
    assert isinstance(described, ports.GroupDescription)
    assert described.members == ()


@needs(LISTS_GROUPS)
def test_a_static_member_tells_its_name(broker: Broker) -> None:
    (topic, _), group = talking.filled(broker), talking.group()
    with talking.member(broker, group, topic, records=1, instance_id="till-7"):
        listing = listed(broker, group)
        assert listing is not None
        described = broker.group_admin().describe([listing])[group]
        assert isinstance(described, ports.GroupDescription)
        assert [one.instance_id for one in described.members] == ["till-7"]


@needs(LISTS_GROUPS)
def test_a_group_that_is_gone_is_missing_and_costs_the_others_nothing(broker: Broker) -> None:
    (topic, _), group, gone = talking.filled(broker), talking.group(), talking.group()
    admin = broker.group_admin()
    with talking.member(broker, group, topic, records=1):
        asked = [ports.GroupListing(name=name, state="stable", protocol="classic") for name in (gone, group)]
        told = admin.describe(asked)
    assert talking.problem_code(told[gone]) == "missing"
    assert isinstance(told[group], ports.GroupDescription)


@needs(LISTS_GROUPS)
def test_members_of_share_groups_are_not_asked_for(broker: Broker) -> None:
    share = ports.GroupListing(name=talking.group(), state="stable", protocol="share")
    told = broker.group_admin().describe([share])[share.name]
    assert talking.problem_code(told) in ("unsupported", "missing")


@needs(LISTS_GROUPS)
def test_commits_of_many_groups_are_told_at_once(broker: Broker) -> None:
    _, [zero, one] = talking.filled(broker, partitions=2)
    first, second, never = talking.group(), talking.group(), talking.group()
    admin = broker.group_admin()
    assert admin.commit(first, {zero: 1, one: 0}) == {zero: None, one: None}
    assert admin.commit(second, {one: 1}) == {one: None}
    assert admin.commits([first, never, second]) == {first: {zero: 1, one: 0}, never: {}, second: {one: 1}}
    assert admin.commits([]) == {}


@needs(LISTS_GROUPS)
def test_a_commit_from_outside_makes_a_group_without_a_word_for_its_protocol(broker: Broker) -> None:
    (_, [here]), group = talking.filled(broker), talking.group()
    broker.group_admin().commit(group, {here: 1})
    assert listed(broker, group) == ports.GroupListing(name=group, state="empty", protocol="classic", type="")


@needs(LISTS_GROUPS)
def test_it_commits_for_a_group_without_members_only(broker: Broker) -> None:
    (topic, [here]), group = talking.filled(broker, each=5), talking.group()
    admin = broker.group_admin()
    with talking.member(broker, group, topic, records=5) as consumer:
        consumer.commit({here: 3}, wait=True)
        refused = admin.commit(group, {here: 0}, note="plan 1")[here]
        assert talking.problem_code(refused) == "refused"
        assert "members" in refused.message if refused else False
        assert admin.commits([group]) == {group: {here: 3}}
        assert talking.problem_code(admin.forget(group, [here])[here]) == "refused"
    assert admin.commit(group, {here: 1}, note="plan 1") == {here: None}
    assert admin.commits([group]) == {group: {here: 1}}
    with talking.member(broker, group, topic, records=4):
        pass  # it went on where we had set it


@needs(LISTS_GROUPS)
def test_an_order_for_a_missing_partition_costs_the_others_nothing(broker: Broker) -> None:
    (topic, [here]), group = talking.filled(broker), talking.group()
    admin, nowhere = broker.group_admin(), TopicPartition(topic, 99)
    outcome = admin.commit(group, {here: 1, nowhere: 1})
    assert outcome[here] is None
    assert talking.problem_code(outcome[nowhere]) == "missing"
    assert admin.commits([group]) == {group: {here: 1}}
    assert admin.commit(group, {}) == {}


@needs(LISTS_GROUPS)
def test_an_offset_below_zero_is_refused_and_costs_the_others_nothing(broker: Broker) -> None:
    (_, [zero, one]), group = talking.filled(broker, partitions=2), talking.group()
    outcome = broker.group_admin().commit(group, {zero: -2, one: 1})
    assert (talking.problem_code(outcome[zero]), outcome[one]) == ("refused", None)
    assert broker.group_admin().commits([group]) == {group: {one: 1}}


@needs(LISTS_GROUPS)
def test_a_note_that_is_too_long_is_refused(broker: Broker) -> None:
    (_, [here]), group = talking.filled(broker), talking.group()
    outcome = broker.group_admin().commit(group, {here: 1}, note="n" * 5_000)
    assert talking.problem_code(outcome[here]) == "refused"


@needs(LISTS_GROUPS)
def test_it_forgets_commits(broker: Broker) -> None:
    (_, [zero, one]), group = talking.filled(broker, partitions=2), talking.group()
    admin, nowhere = broker.group_admin(), TopicPartition("nobody-made-this", 0)
    admin.commit(group, {zero: 1, one: 1})
    assert admin.forget(group, [zero, nowhere]) == {zero: None, nowhere: None}
    assert admin.commits([group]) == {group: {one: 1}}
    assert admin.forget(group, [zero]) == {zero: None}, "it is gone, which is all that was asked for"
    assert admin.forget(group, []) == {}


@needs(LISTS_GROUPS)
def test_any_name_of_a_group_will_do(broker: Broker) -> None:
    (_, [here]), suffix = talking.filled(broker), uuid.uuid4().hex[:8]
    names = [(name + suffix)[-200:] for name in ODD]
    admin = broker.group_admin()
    for at, name in enumerate(names):
        assert admin.commit(name, {here: at}) == {here: None}, name
    found = {each.name: each for each in admin.groups()}
    assert found.keys() >= set(names)
    assert admin.commits(names) == {name: {here: at} for at, name in enumerate(names)}
    described = admin.describe([found[name] for name in names])
    assert [isinstance(described[name], ports.GroupDescription) for name in names] == [True] * len(names)
    assert [admin.forget(name, [here]) for name in names] == [{here: None}] * len(names)
