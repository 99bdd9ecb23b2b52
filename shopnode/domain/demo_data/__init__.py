"""What the demo shop sells and what its supplier sent, as real people write such tables; tests read them too."""

from pathlib import Path

CATALOGUE = Path(__file__).parent / "catalogue.csv"
DELIVERY = Path(__file__).parent / "supplier-delivery.csv"
