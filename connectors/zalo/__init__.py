"""Zalo Official Account: webhook in, customer-service messages out, and the tokens for that.

Only the OA OpenAPI is spoken here (``openapi.zalo.me``); Zalo's Bot Platform is another product.
"""
