"""``{% load degradation %}`` and then ``{% level "recommendations" as n %}``: a flag's level in a template."""

from __future__ import annotations

from django import template

from reliability.degradation import registry

register = template.Library()


@register.simple_tag
def level(name: str) -> int:
    """Return the level in force; raises ``NotDeclared``, as templates of flags that nobody declares are mistakes."""
    return registry.flag(name).level
