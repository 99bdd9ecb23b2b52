"""The hub as it is served to shops, with one business in it: `python -m tests.bench.our_hub FOLDER DATABASE_URL`.

Prints its port; what a shop needs to join (owner and enrolment codes) is left in FOLDER/invitation.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cloudhub.config import HubSettings
from cloudhub.hub import Hub, open_hub
from cloudhub.serve import serve
from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.tenants import add_shop, add_tenant

NODES = 2  # one sells, the other reads along


def invite(hub: Hub, folder: Path) -> None:
    """A business, its shop, and a code for each of its PCs."""
    tenant = add_tenant(hub, "Bench Phones", "Sarah", "sarah@bench.example", "a password for the bench")
    shop_id = add_shop(hub, tenant.tenant_id, "Kampala Road", "KLA")
    codes = [make_enrol_code(hub, tenant.tenant_id, shop_id) for _ in range(NODES)]
    document = {"tenant": tenant.tenant_id, "owner": tenant.owner_id, "codes": codes}
    (folder / "invitation.json").write_text(json.dumps(document))


def main(folder: Path, database_url: str) -> None:
    settings = HubSettings(data=folder, database_url=database_url, host="127.0.0.1", port=0)
    with open_hub(settings) as hub:
        invite(hub, folder)
        serve(hub, settings.host, settings.port, lambda port: print(port, flush=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
