"""Machines of Amazon EC2."""

from __future__ import annotations

from providers.aws.adapter import AwsProvider

__all__ = ["AwsProvider"]
