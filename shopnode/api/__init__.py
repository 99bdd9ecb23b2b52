"""The JSON API of both homes: paths and names of the seed, forms and answers in pydantic, OpenAPI 3.1 from both.

`create_api(app, accounts)` mounts it. Views use only `g.ctx`, the domain's actions and queries; who is calling is
resolved before (web/ui/request.py), and how a program signs in is the home's own (`accounts.Accounts`).
"""

from shopnode.api.mount import create_api

__all__ = ["create_api"]
