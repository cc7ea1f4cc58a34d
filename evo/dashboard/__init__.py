"""Campaigns in the browser while they run: pages that are only read."""
