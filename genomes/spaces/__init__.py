"""Premade spaces. Each is one import line and one entry below."""

__all__: list[str] = []
