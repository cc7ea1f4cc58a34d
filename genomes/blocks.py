"""Genes that are made of several layers or hold other genes."""
