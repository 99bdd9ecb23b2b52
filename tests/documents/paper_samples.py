"""Papers that the tests print: each as on any day, and how to fill one with what hostile hands type."""

from __future__ import annotations

from shopnode.documents.drawer_papers import DrawerPaper, ReportLine, ReportPart
from shopnode.documents.letter import Heading
from shopnode.documents.papers import (
    AgreementPaper,
    ManifestLine,
    ManifestPaper,
    OrderLine,
    OrderPaper,
    StatementEntry,
    StatementPaper,
)
from shopnode.documents.repair_papers import DeliveryPaper, LeftDevice, RepairSlip, RepairWork
from shopnode.documents.slips import MoneySlip, ReturnedLine, ReturnSlip

HEADING = Heading(
    "Kampala Road Phones", "Plot 12 Kampala Road, opposite the Post Office, Kampala", "0772 123 456", "1000123456"
)
AGREEMENT = AgreementPaper(
    HEADING,
    "KLA1-U000007",
    "22 Nov 2026, 14:03 EAT",
    "Aisha",
    "Samsung Galaxy A15",
    280_000,
    "I declare that this phone is my own property, that nobody else has a claim on it, that it is neither stolen nor "
    "found, and that I have removed my accounts and my data from it. I sell it to the shop for the amount above and "
    "have received that amount.",
    imei1="356938035643809",
    imei2="356938035643817",
    colour="Blue",
    storage="6/128",
    grade="B",
    comes_with="box, charger",
    battery="87%",
    locks_removed=True,
    was_reset=True,
    seller_name="Okello James Ssemakula",
    seller_phone="0701 987 654",
    seller_id="National ID CM90012345ABCD",
    seller_address="Ntinda, Kampala",
    notes="Small scratch beside the camera",
)
STATEMENT = StatementPaper(
    HEADING,
    "Nakato Grace",
    "0772 555 123",
    "1 Sep 2026",
    "22 Nov 2026",
    120_000,
    (
        StatementEntry("5 Sep 2026", "Sold on account", 640_000, 760_000, "KLA1-000098", "5 Oct 2026"),
        StatementEntry("20 Sep 2026", "Paid", -300_000, 460_000, "KLA1-M000012"),
        StatementEntry("1 Nov 2026", "Sold on account", 85_000, 545_000, "KLA1-000121", "1 Dec 2026"),
    ),
    545_000,
    (("Not due yet", 85_000), ("Up to 30 days overdue", 0), ("31 to 60 days", 460_000)),
    15_000,
)
ORDER = OrderPaper(
    HEADING,
    "KLA1-P000012",
    "22 Nov 2026",
    "Tecno House (U) Ltd",
    (
        OrderLine("Tecno Spark 40 8/256", 20, 520_000, "TEC-S40"),
        OrderLine("USB-C charger 18 W fast, white", 50, 5_000),
        OrderLine("Tempered glass for Tecno Spark 40, full glue, pack of ten with cloths", 100, 2_500, "GLS-S40"),
    ),
    "Musa",
    "0772 000 111",
    "Nasser Road, Kampala",
    "29 Nov 2026",
    "30 days",
    "Sarah",
    "Only sealed boxes, please.",
)
MANIFEST = ManifestPaper(
    HEADING,
    "KLA1-T000004",
    "Kampala Road",
    "Entebbe",
    "22 Nov 2026, 16:40 EAT",
    "Brian",
    (
        ManifestLine("Tecno Spark 40 8/256", 2, ("356938035643809", "356938035643817")),
        ManifestLine("Samsung Galaxy A15", 1, ("SN-A15-0093",)),
        ManifestLine("Tempered glass", 40),
    ),
    "Ask for Joan at the back door.",
)
RETURN = ReturnSlip(
    HEADING, "KLA1-R000009", "KLA1-000123", "23 Nov 2026, 10:12 EAT", "Aisha", "Screen flickers",
    (ReturnedLine("Tecno Spark 40 8/256", 1, 640_000, "356938035643809", "To the bench"),
     ReturnedLine("Tempered glass", 2, 9_500, goes_to="Sold again as new")),
    639_500, 10_000, (("Cash", 639_500),), "Okello James",
)  # fmt: skip
MONEY = MoneySlip(
    HEADING, "KLA1-M000012", "Payment on account", "23 Nov 2026, 10:20 EAT", "Aisha", 300_000, "MTN MoMo",
    "27183141592", "Nakato Grace", "KLA1-000098", ("Still owed", 460_000), True,
)  # fmt: skip
REPAIR = RepairSlip(
    HEADING,
    "KLA1-J000012",
    "7KQM-3XPD",
    "22 Nov 2026, 09:14 EAT",
    "Aisha",
    "Okello James",
    LeftDevice("Tecno Camon 20 Pro", "356938035643809", "Black"),
    "Fell in the bath, shows nothing since then",
    ("Does not switch on", "Screen broken"),
    (("Switches on", "Fault"), ("Screen", "Fault"), ("Touch", "Could not test"), ("Charging", "OK"), ("Camera", "OK")),
    ("SIM card", "Case"),
    ("Water damage", "Opened before"),
    customer_phone="0701 987 654",
    passcode="Left with us, sealed",
    data_consent="May be lost: the customer agreed",
    promised_at="25 Nov 2026, 17:00 EAT",
    estimate_minor=180_000,
    deposit_minor=50_000,
    diagnosis_fee_minor=10_000,
    terms="Devices that were wet are repaired without a promise that they last. A device is given to whoever brings "
    "this slip or its code. What is not fetched within 90 days of the last notice may be sold, and what is left after "
    "our bill is kept for you.",
    follow_url="https://hub.example.com/r/7KQM3XPD",
)
DELIVERY = DeliveryPaper(
    HEADING,
    "KLA1-J000012",
    "Repaired",
    "25 Nov 2026, 16:40 EAT",
    "Aisha",
    "Okello James",
    LeftDevice("Tecno Camon 20 Pro", "356938035643809", "Black"),
    "Okello Peter",
    (
        RepairWork("Screen Tecno Camon 20 Pro", 140_000, notes=("Serial SCR-2211-88", "Old part given back")),
        RepairWork("Labour", 40_000),
    ),
    180_000,
    180_000,
    "KLA1-000131",
    ("SIM card", "Case"),
    ("Camera: scratch that was not noted",),
    "90 days, until 23 Feb 2027",
    "Returned",
)
Z_REPORT = DrawerPaper(
    HEADING,
    "Z report",
    "KLA1-Z000041",
    (
        ("Day", "22 Nov 2026"),
        ("Till", "Till 1"),
        ("Cashier", "Aisha"),
        ("Opened", "22 Nov 2026, 08:02 EAT"),
        ("Closed", "22 Nov 2026, 20:14 EAT"),
        ("Closed by", "Aisha"),
    ),
    (
        ReportPart("Sales", (ReportLine("Sales", 1_940_000, 23), ReportLine("of them undone since", count=1))),
        ReportPart(
            "Paid for sales",
            (
                ReportLine("Cash", 1_200_000, 15),
                ReportLine("MTN MoMo", 640_000, 6),
                ReportLine("USD notes taken", 370_000, note="100.00"),
            ),
        ),
        ReportPart("Beside sales", (ReportLine("Into the safe", -500_000, 1), ReportLine("Paid out", -7_000, 2))),
        ReportPart(
            "Drawer and wallets",
            (
                ReportLine("Float", 50_000),
                ReportLine("Cash, float included", 740_000, expected_minor=743_000),
                ReportLine("USD", 10_000, expected_minor=10_000, exponent=2),
                ReportLine("MTN MoMo", 640_000, expected_minor=640_000),
                ReportLine("Card", expected_minor=100_000, note="not counted"),
                ReportLine("Difference in all", -3_000, is_total=True),
            ),
        ),
        ReportPart("Floats", (ReportLine("Airtime float before", 200_000), ReportLine("Airtime float after", 91_500))),
        ReportPart(
            "Second count",
            (
                ReportLine("50,000", 700_000, 14),
                ReportLine("20,000", 40_000, 2),
                ReportLine("Cash", 740_000, note="Aisha 20:12"),
            ),
        ),
        ReportPart("Opened without a sale: 1", (ReportLine("Change for the neighbour", note="Aisha 14:40"),)),
        ReportPart(
            "In all",
            (ReportLine("From customers", 1_940_000, is_total=True), ReportLine("Since the first Z", 71_220_000)),
        ),
    ),
    ("Explained: change given twice (Brian)",),
    is_signed=True,
    copy_no=2,
)
