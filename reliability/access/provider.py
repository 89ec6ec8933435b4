"""Where allauth looks for providers."""

from __future__ import annotations

from reliability.access.oidc.provider import Provider

provider_classes = [Provider]
