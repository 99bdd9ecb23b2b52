"""What happens in the demo's shop beside its sales: each chapter on its day, so that no room of the product is empty.

A shorter demo tells the same chapters in the same order, the oldest ones on its first day.
"""

from __future__ import annotations

from collections.abc import Callable

from shopnode.domain import demo_bench, demo_buying, demo_credit, demo_days, demo_house
from shopnode.domain.demo_story import Story
from shopnode.domain.errors import ShopError

Chapter = Callable[[Story], None]
# By days ago, in their order. Each begins when the drawer is open in the morning.
CHAPTERS: tuple[tuple[int, Chapter], ...] = (
    (10, demo_house.choose),
    (10, demo_buying.find_suppliers),
    (10, demo_credit.agree_credit),
    (10, demo_buying.agree_dealer_prices),
    (9, demo_bench.fetched_in_time),
    (8, demo_bench.never_fetched),
    (8, demo_house.spend),
    (8, demo_house.move_cash),
    (7, demo_buying.take_deliveries),
    (7, demo_days.send_a_day_back),
    (6, demo_credit.sell_on_credit),
    (6, demo_bench.given_up),
    (5, demo_credit.begin_plans),
    (5, demo_buying.count_the_shelf),
    (4, demo_days.explain_a_shortage),
    (4, demo_credit.buy_used),
    (4, demo_house.bring_to_the_bank),
    (3, demo_bench.elsewhere),
    (3, demo_credit.take_back),
    (2, demo_house.pay_people),
    (2, demo_buying.send_away),
    (1, demo_bench.on_the_bench),
    (1, demo_house.take_lists_out),
    (0, demo_house.ask_for_money),
    (0, demo_bench.give_up_waiting),
    (0, demo_bench.come_in_today),
    (0, demo_buying.order_again),
    (0, demo_buying.begin_to_count),
)


def tell_chapters(story: Story, days_ago: int, days: int) -> list[str]:
    """The chapters of a day; answers those which the shop's own choices did not let happen."""
    left_out = []
    for on, chapter in CHAPTERS:
        if min(on, days) != days_ago:
            continue
        try:
            chapter(story)
        except ShopError as refusal:
            left_out.append(f"{chapter.__name__}: {refusal}")
    return left_out
