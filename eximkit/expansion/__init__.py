"""The expansion language: parsing, checking, evaluating."""
