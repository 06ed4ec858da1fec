"""What API v1 takes and gives, as types. docs/use/openapi.json is made of them."""
