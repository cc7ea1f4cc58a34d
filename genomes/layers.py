"""Genes that are layers."""
