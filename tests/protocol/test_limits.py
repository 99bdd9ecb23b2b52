"""How much, how often, how long: the numbers of the protocol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol import limits
from sync_protocol.limits import Batch, next_poll_ms, retry_ms
from sync_protocol.messages import encode
from sync_protocol.signing import Request, Response, sign_request, sign_response
from tests.protocol.samples import AUDIENCE, HUB_KEY, NODE, NODE_KEY, NOON_S, ORIGIN
from tests.protocol.write_examples import exchange_request_empty, exchange_response_empty

TARGET = "/sync/v1/exchange"

MIDDLE, LOW, HIGH = (lambda: 0.5), (lambda: 0.0), (lambda: 0.999999)


def test_a_batch_grows_while_the_line_is_quick():
    batch, rows = Batch(), []
    for _ in range(8):
        rows.append(batch.rows)
        batch = batch.succeeded(took_ms=999)
    assert rows == [100, 200, 400, 800, 1_600, 3_200, 4_000, 4_000]
    assert Batch(400).succeeded(took_ms=1_000).rows == 400


def test_a_batch_shrinks_to_one_row():
    batch, rows = Batch(), []
    for _ in range(9):
        batch = batch.halved()
        rows.append(batch.rows)
    assert rows == [50, 25, 12, 6, 3, 1, 1, 1, 1]


def test_the_hub_can_lower_the_limits_and_not_raise_them():
    assert Batch(4_000).capped(500, 1_000) == Batch(500, 500, 1_000)
    assert Batch().capped(10**9, 10**9) == Batch()
    assert Batch(500, 500, 1_000).capped(None, None) == Batch(500)


@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        ([], 0),
        ([(9, 100)] * 20, 11),  # 99 rows
        ([(100, 1), (1, 1)], 1),
        ([(5_000, 1)], 1),  # one entry always goes
        ([(1, 3 * 1024 * 1024), (1, 1)], 1),
        ([(1, 1024 * 1024)] * 3, 2),
    ],
)
def test_entries_are_taken_whole(sizes, count):
    assert Batch().take(sizes) == count


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 300_000))), st.integers(1, 4_000))
def test_a_batch_keeps_its_limits_unless_it_is_a_single_entry(sizes, rows):
    count = Batch(rows).take(iter(sizes))
    taken = sizes[:count]
    assert count >= min(len(sizes), 1)
    assert count == 1 or sum(size[0] for size in taken) <= rows
    assert count == 1 or sum(size[1] for size in taken) <= limits.BATCH_BYTES_MAX


MINUTE_MS, HOUR_MS = 60_000, 3_600_000


@pytest.mark.parametrize(
    ("quiet_ms", "is_open", "wait_ms"),
    [
        (0, True, 2_000),
        (0, False, 2_000),
        (9_999, True, 2_000),
        (10_000, True, 15_000),
        (5 * MINUTE_MS, True, 15_000),
        (30 * MINUTE_MS, True, 10 * MINUTE_MS),
        (3 * HOUR_MS, True, 20 * MINUTE_MS),
        (10_000, False, 15_000),
        (9 * MINUTE_MS, False, 3 * MINUTE_MS),
        (12 * HOUR_MS, False, 40 * MINUTE_MS),
    ],
)
def test_polling_paces_itself_by_the_work(quiet_ms, is_open, wait_ms):
    assert next_poll_ms(quiet_ms, is_open, MIDDLE) == wait_ms
    assert next_poll_ms(quiet_ms, is_open, LOW) == wait_ms * 8 // 10
    assert next_poll_ms(quiet_ms, is_open, HIGH) == pytest.approx(wait_ms * 1.2, rel=0.001)


def test_a_shop_that_listens_at_the_bell_is_asked_seldom_once_work_has_ended():
    assert next_poll_ms(9_999, True, MIDDLE, is_listening=True) == limits.POLL_FLOWING_MS
    for is_open in (True, False):
        assert next_poll_ms(10_000, is_open, MIDDLE, is_listening=True) == limits.POLL_LISTENING_MS


def polls_a_day(open_hours):
    now_ms = count = 0
    while now_ms < 24 * HOUR_MS:
        now_ms += next_poll_ms(now_ms, now_ms < open_hours * HOUR_MS, MIDDLE)
        count += 1
    return count


def idle_exchange_bytes():
    """An exchange with nothing to say: bodies, signed headers, and what clients, proxies and servers add to them."""
    request, answer = encode(exchange_request_empty()), encode(exchange_response_empty())
    asked = sign_request(NODE_KEY, NODE, Request("POST", TARGET, request), "identity", AUDIENCE, ORIGIN, NOON_S)
    answered = sign_response(HUB_KEY, Response(200, answer), "identity", asked["Signature"], NOON_S)
    headers = [*asked.items(), *answered.items()]
    return len(request) + len(answer) + sum(len(name) + len(value) + 4 for name, value in headers) + 500


@pytest.mark.parametrize("open_hours", [0, 12])
def test_an_idle_day_stays_within_its_budget(open_hours):
    assert polls_a_day(open_hours) * idle_exchange_bytes() <= 200_000


def test_retries_wait_longer_each_time_and_at_least_as_told():
    waits = [retry_ms(failures, MIDDLE) for failures in range(1, 12)]
    assert waits[:4] == [1_000, 2_000, 4_000, 8_000]
    assert waits == sorted(waits)
    assert waits[-1] == limits.RETRY_MAX_MS
    assert retry_ms(10**9, HIGH) <= limits.RETRY_MAX_MS * 1.2
    assert retry_ms(1, LOW, told_ms=60_000) == 60_000
    assert retry_ms(1, HIGH, told_ms=60_000) > 71_000
    assert retry_ms(8, MIDDLE, told_ms=10) == 128_000
