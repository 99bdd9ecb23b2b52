"""Receipts that the tests print: one as on any day, one with everything, one with names of many scripts."""

from __future__ import annotations

from dataclasses import replace

from shopnode.documents.receipt import Receipt, ReceiptLine, ReceiptPayment

PLAIN_RECEIPT = Receipt(
    shop_name="Kampala Road Phones",
    shop_address="Plot 12 Kampala Road, opposite the Post Office, Kampala",
    shop_phone="0772 123 456",
    tax_id="1000123456",
    number="KLA1-000123",
    sold_at="22 Nov 2026, 14:03 EAT",
    cashier="Aisha",
    till="Till 1",
    lines=(
        ReceiptLine(
            "Tecno Spark 40 8/256", 1, 640_000, 640_000, imeis=("001234567890130",), warranty="until 22 Nov 2027"
        ),
        ReceiptLine("Tempered glass", 2, 5_000, 9_500, discount_minor=500),
        ReceiptLine("USB-C charger 18 W fast, white", 1, 8_000, 8_000),
    ),
    subtotal_minor=657_500,
    discount_minor=7_500,
    total_minor=650_000,
    vat_rate_bp=1_800,
    vat_minor=99_153,
    payments=(
        ReceiptPayment("Cash", 150_000, tendered_minor=160_000),
        ReceiptPayment("MTN MoMo", 500_000, reference="27183141592"),
    ),
    change_minor=10_000,
    warranty_text="Bring this receipt and the phone for warranty service. "
    "Broken screens and water damage are not covered.",
    chain_code="7K3M9QXT",
    qr_payload="https://shop.example/r/KLA1-000123?c=7K3M9QXT",
    footer="Webale nnyo! Thank you, come again.",
)

FULL_RECEIPT = replace(
    PLAIN_RECEIPT,
    customer_name="Okello James Ssemakula Byaruhanga",
    customer_phone="0701 987 654",
    copy_no=2,
    is_voided=True,
    void_notice="Voided 22 Nov 2026, 15:10 by Sarah: wrong model",
    payments=(ReceiptPayment("Cash", 100_000),),
    change_minor=0,
)

MANY_SCRIPTS = replace(
    PLAIN_RECEIPT,
    customer_name="أحمد محمود",
    cashier="Nakaŋŋo",
    lines=(
        ReceiptLine("Café “Étui” – naïve", 1, 12_000, 12_000),
        ReceiptLine("手机壳 透明", 3, 4_000, 12_000),
        ReceiptLine("غطاء هاتف", 1, 6_000, 6_000),
        ReceiptLine('Ring light 😀 12"', 1, 30_000, 30_000),
    ),
)
