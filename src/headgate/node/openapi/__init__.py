"""The OpenAPI document of the data plane, made from what serves it."""
