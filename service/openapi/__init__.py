"""The HTTP API as data: one table of operations for each part of it, and the OpenAPI document that is made of them."""
