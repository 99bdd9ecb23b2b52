"""Everything people do, with how often; each seed switches on a part."""

from __future__ import annotations

from tests.simulator import closing, counter, credit, goods, people, repairs

ACTS = {**people.ACTS, **counter.ACTS, **credit.ACTS, **goods.ACTS, **repairs.ACTS, **closing.ACTS}
