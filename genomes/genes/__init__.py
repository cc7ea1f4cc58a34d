"""The genes that come with the package."""
