"""What hostile or careless hands type into a receipt, for the property tests of every medium."""

from __future__ import annotations

from hypothesis import strategies as st

from shopnode.documents.receipt import Receipt, ReceiptLine, ReceiptPayment

ATTACKS = [
    "\x1bp\x00\x32\xfa",
    "\x10\x14\x01\x00\x05",
    "\x1d(A",
    "\x9bp",
    "\x00" * 50,
    "\u202eevil",
    "\ud800",
    "\x7f\x85\u2028",
]
nasty = st.one_of(
    st.text(max_size=80),
    st.text(alphabet=st.characters(max_codepoint=0x2FF), max_size=120),
    st.builds("".join, st.lists(st.sampled_from([*ATTACKS, "A", " ", "é", "手", "ف", "😀", "\u0301"]), max_size=12)),
)
amounts = st.integers(min_value=-(10**12), max_value=10**12)
nasty_lines = st.builds(
    ReceiptLine,
    name=nasty,
    quantity=st.integers(-5, 10**6),
    unit_price_minor=amounts,
    total_minor=amounts,
    discount_minor=amounts,
    imeis=st.lists(nasty, max_size=2).map(tuple),
    warranty=nasty,
)
nasty_payments = st.builds(
    ReceiptPayment, label=nasty, amount_minor=amounts, reference=nasty, tendered_minor=st.none() | amounts
)
nasty_receipts = st.builds(
    Receipt,
    lines=st.lists(nasty_lines, max_size=3).map(tuple),
    payments=st.lists(nasty_payments, max_size=2).map(tuple),
    copy_no=st.integers(0, 10**6),
    is_voided=st.booleans(),
    exponent=st.integers(0, 3),
    vat_rate_bp=st.integers(0, 10_000),
    **dict.fromkeys(("subtotal_minor", "total_minor", "discount_minor", "change_minor", "vat_minor"), amounts),
    **{name: nasty for name, kind in Receipt.__annotations__.items() if kind == "str"},
)
