"""The HTTP API as data: one table of operations for each part, and the OpenAPI document that is made from them."""
