"""What model a phone is by the first eight digits of its IMEI (TAC), learned from phones that came in (rule 9).

No list of the world's TACs is needed: a shop sells the same few models again and again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import products_as_read
from shopnode.domain.handsets.models import Handset
from shopnode.domain.handsets.rules import same_model, tac_of

LEARNED_FROM = 20  # the last phones with these digits; what was long ago may have been typed wrong


@dataclass(frozen=True)
class Learned:
    """The product most phones with these digits were received as."""

    product_id: str
    product_name: str
    phones: int  # received as this product
    of: int  # of so many looked at


def model_by_imei(session: Session, imei: str | None) -> Learned | None:
    """What earlier phones with this TAC were; None where there were none."""
    tac = tac_of(imei)
    if tac is None:
        return None
    query = (
        select(Handset.product_id)
        .where(Handset.imei1 >= tac, Handset.imei1 <= tac + "9999999")  # so the index is read
        .order_by(Handset.created_at.desc(), Handset.id.desc())
        .limit(LEARNED_FROM)
    )
    seen = list(session.scalars(query))
    if not seen:
        return None
    read_as = products_as_read(session, set(seen))
    counted = Counter(read_as[row_id].id for row_id in seen)
    (product_id, phones), *_ = counted.most_common(1)
    name = next(product.name for product in read_as.values() if product.id == product_id)
    return Learned(product_id, name, phones, len(seen))


def model_warning(session: Session, imei: str | None, product: Product) -> str | None:
    """What to say when a phone is received as another model than its numbers say; None when they agree."""
    learned = model_by_imei(session, imei)
    if learned is None or learned.product_id in (product.id, product.merged_into):
        return None
    if same_model(learned.product_name, product.name):
        return None
    return (
        f"{tac_of(imei)} at the beginning of the IMEI was “{learned.product_name}” so far"
        f" ({learned.phones} of the last {learned.of}): is this really “{product.name}”?"
    )
