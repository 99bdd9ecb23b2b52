"""The JSON API, described by OpenAPI 3.1; the node and the hub both mount it."""
