"""Topics and patterns of topics, as MQTT matches them; paho's matcher is the oracle."""

from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from twin_runtime.ingest.routes import Routes

NAMES = st.sampled_from(["a", "b", "", "$SYS"])
LEVELS = st.lists(st.one_of(NAMES, st.just("+")), min_size=1, max_size=4)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    return "/".join([*draw(LEVELS), *(["#"] if draw(st.booleans()) else [])])


@given(st.lists(st.one_of(patterns(), st.just("#")), max_size=6), st.lists(NAMES, min_size=1, max_size=4))
def test_takers_are_those_whose_pattern_matches(subscribed: list[str], levels: list[str]) -> None:
    routes, topic = Routes[int](), "/".join(levels)
    for place, pattern in enumerate(subscribed):
        routes.add(pattern, place)
    expected = [place for place, pattern in enumerate(subscribed) if topic_matches_sub(pattern, topic)]
    assert sorted(routes.takers(topic)) == expected
    assert sorted(routes.takers(topic)) == expected  # as remembered


def test_a_topic_with_wildcards_in_it_is_nobodys() -> None:
    routes = Routes[int]()
    routes.add("a/+", 1)
    assert routes.takers("a/+") == []


def test_topics_and_patterns_are_what_a_source_subscribes_to() -> None:
    routes = Routes[int]()
    for topic in ("a/b", "a/+", "a/b", "a/#", "a/+"):
        routes.add(topic, 0)
    assert routes.topics == ("a/b", "a/+", "a/#")


def test_each_of_many_patterns_has_its_own_topics() -> None:
    routes = Routes[int]()
    for twin in range(10_000):
        routes.add(f"plant/{twin}/+/state", twin)
    assert [routes.takers(f"plant/{twin}/x/state") for twin in range(0, 10_000, 10)] == [
        [twin] for twin in range(0, 10_000, 10)
    ]
